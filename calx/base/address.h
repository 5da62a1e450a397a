// Where a server listens, and who could reach it there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "calx/base/result.h"

namespace calx {

struct Address {
  std::string host = {};  // a name or a number; without the brackets of IPv6
  std::uint16_t port = 0;

  /// "host:port", an IPv6 number in brackets.
  [[nodiscard]] std::string to_string() const;
  /// 127.0.0.0/8, ::1 and "localhost": only this machine reaches it.
  [[nodiscard]] bool loopback() const;
};

/// "HOST:PORT" or "[IPV6]:PORT". Errors: kInvalidArgument.
Result<Address> parse_address(std::string_view text);

}  // namespace calx
