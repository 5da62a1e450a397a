// Where a device may be: on this machine or in a private network, by number. No device here has a
// password that is worth the name, so nothing beyond the local network is ever spoken to.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "calx/base/result.h"

namespace calx::device {

struct LanAddress {
  std::string ip;  // IPv4 in dotted decimal
  std::uint16_t port = 0;

  [[nodiscard]] std::string to_string() const { return ip + ":" + std::to_string(port); }

  friend bool operator==(const LanAddress&, const LanAddress&) = default;
};

/// "IP" or "IP:PORT", inside 127/8, 10/8, 172.16/12, 192.168/16 or 169.254/16.
/// Errors: kInvalidArgument.
Result<LanAddress> parse_lan_address(std::string_view text, std::uint16_t default_port);

/// The same nets, for an address as one number.
bool is_lan(std::uint32_t ip) noexcept;
/// "192.168.1.20" as a number and back. Errors: kInvalidArgument.
Result<std::uint32_t> parse_ipv4(const std::string& text);
std::string ipv4_text(std::uint32_t ip);

/// How long one exchange with a device may take; nobody there is known sooner than no answer.
struct Patience {
  // NOLINTNEXTLINE(google-explicit-constructor): one time stands for both.
  template <class Count, class Unit>
  Patience(std::chrono::duration<Count, Unit> both) : connect(both), whole(both) {}
  Patience(std::chrono::milliseconds for_connect, std::chrono::milliseconds for_all)
      : connect(for_connect), whole(for_all) {}
  std::chrono::milliseconds connect, whole;
};

}  // namespace calx::device
