// A wire over a file descriptor of this system: what serial lines, character devices and sockets
// have in common.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "calx/device/wire.h"

namespace calx::device {

/// What a read of 0 bytes means.
enum class ZeroRead : std::uint8_t { kClosed, kNothingYet };

/// The most that a line or a device file can be: kDevice for a character device, kEmulated for a
/// pseudo-terminal, a pipe or a file, behind which there is always a program. A kernel module can
/// still pretend to be hardware; nothing here can tell.
Origin descriptor_origin(int descriptor) noexcept;

class DescriptorWire : public Wire {
 public:
  /// Takes the descriptor over, which does not block. `name` for messages.
  DescriptorWire(int descriptor, std::string name, Origin origin, ZeroRead zero);
  ~DescriptorWire() override;

  [[nodiscard]] Origin origin() const noexcept override { return origin_; }
  Result<std::size_t> read(std::span<std::uint8_t> out, Deadline deadline) override;
  Result<void> write(std::span<const std::uint8_t> bytes) override;

 protected:
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  int descriptor_;
  std::string name_;
  Origin origin_;
  ZeroRead zero_;
};

/// A character device such as /dev/bitmain-asic: opened for one owner, never handed to a child, and
/// a read of 0 bytes means nothing yet. Its origin is that of descriptor_origin().
/// Errors: kNotFound; kUnavailable, which for a busy device names `calx device doctor`.
Result<std::unique_ptr<Wire>> open_character_device(const std::filesystem::path& path);

/// A serial line for this owner alone (root can still share it): raw, 8 bits, no parity, one stop
/// bit, no flow control; any speed the port's divider can make. Linux only. Its origin is that of
/// descriptor_origin(). Errors: kNotFound, kUnavailable, kInvalidArgument for what is no terminal,
/// kUnimplemented where the system sets no speeds by number (TCSETS2).
Result<std::unique_ptr<Wire>> open_serial_line(const std::filesystem::path& path,
                                               std::uint32_t baud);

/// A TCP connection to a numeric IPv4 address, without delay for small packets.
/// Errors: kInvalidArgument (address), kUnavailable (refused), kDeadlineExceeded.
Result<std::unique_ptr<Wire>> connect_tcp(const std::string& address, std::uint16_t port,
                                          Deadline deadline, Origin origin);

}  // namespace calx::device
