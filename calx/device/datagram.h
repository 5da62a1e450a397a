// A UDP socket of IPv4 that is only ever read with a deadline and a stop.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <stop_token>

#include "calx/device/lan_address.h"

namespace calx::device {

class DatagramSocket {
 public:
  /// Bound to `local`; port 0 takes a free one. Errors: kUnavailable, kInvalidArgument.
  static Result<DatagramSocket> open(const LanAddress& local);
  ~DatagramSocket();
  DatagramSocket(DatagramSocket&& other) noexcept;
  DatagramSocket& operator=(DatagramSocket&&) = delete;

  [[nodiscard]] const LanAddress& local() const noexcept { return local_; }

  Result<void> send(std::span<const std::uint8_t> bytes, const LanAddress& to) const;
  /// The same out of the interface that has this address.
  Result<void> send_through(const std::string& interface_ip, std::span<const std::uint8_t> bytes,
                            const LanAddress& to) const;

  struct Packet {
    std::size_t size = 0;
    std::uint32_t from = 0;  // the sender's address
  };
  /// The next packet, cut to `out`. Errors: kDeadlineExceeded, kCancelled, kUnavailable.
  Result<Packet> receive(std::span<std::uint8_t> out,
                         std::chrono::steady_clock::time_point deadline,
                         const std::stop_token& stop) const;

 private:
  DatagramSocket(int descriptor, LanAddress local)
      : descriptor_(descriptor), local_(std::move(local)) {}
  int descriptor_;
  LanAddress local_;
};

}  // namespace calx::device
