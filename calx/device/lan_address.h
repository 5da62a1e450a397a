// Where a device may be: on this machine or in a private network, by number. No device here has a
// password that is worth the name, so nothing beyond the local network is ever spoken to.
#pragma once

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

}  // namespace calx::device
