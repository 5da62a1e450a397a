// Bulk transfers as a wire, and the Antminers that have them: S1 to S3 on USB, interface 0.
//
// libusb-1.0 is opened on first need, so a program without Antminers does not need it. Untested on
// hardware. Only hardware can settle whether interface 0 takes the packets of the device file
// unchanged, and whether the kernel's module comes back after it was detached.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "calx/device/wire.h"

namespace calx::device {

inline constexpr std::uint16_t kBitmainVendor = 0x4254, kBitmainProduct = 0x4153;  // "BT", "AS"
inline constexpr std::size_t kBitmainUsbPacket = 64;

/// Two bulk endpoints, without what a wire adds.
class BulkPort {
 public:
  BulkPort() = default;
  virtual ~BulkPort() = default;
  BulkPort(const BulkPort&) = delete;
  BulkPort& operator=(const BulkPort&) = delete;

  /// One transfer in; room for whole packets. 0 when the time is up. Errors: kUnavailable.
  virtual Result<std::size_t> receive(std::span<std::uint8_t> out,
                                      std::chrono::milliseconds time) = 0;
  /// All bytes in one transfer. Errors: kUnavailable, kDeadlineExceeded.
  virtual Result<void> send(std::span<const std::uint8_t> bytes,
                            std::chrono::milliseconds time) = 0;
};

class UsbWire final : public Wire {
 public:
  UsbWire(std::unique_ptr<BulkPort> port, Origin origin)
      : port_(std::move(port)), origin_(origin) {}

  [[nodiscard]] Origin origin() const noexcept override { return origin_; }
  Result<std::size_t> read(std::span<std::uint8_t> out, Deadline deadline) override;
  Result<void> write(std::span<const std::uint8_t> bytes) override;

 private:
  std::unique_ptr<BulkPort> port_;
  Origin origin_;
  std::vector<std::uint8_t> pending_;
};

/// The first Antminer on USB: interface 0 is claimed (its kernel module is detached until the wire
/// goes), bulk endpoints 01 and 81. Errors: kNotFound (none there), kUnavailable (no libusb, no
/// rights, another owner), kUnimplemented (this build knows no libusb).
Result<std::unique_ptr<Wire>> open_bitmain_usb();

}  // namespace calx::device
