#include "calx/base/address.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>

namespace calx {

std::string Address::to_string() const {
  const std::string bare = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return bare + ":" + std::to_string(port);
}

bool Address::loopback() const {
  if (host == "localhost") return true;
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1) return bytes[0] == 127;
  if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) return false;
  constexpr std::array<std::uint8_t, 16> kOne = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes == kOne;
}

Result<Address> parse_address(std::string_view text) {
  const auto refused = [text] {
    return fail(ErrorCode::kInvalidArgument,
                "\"" + std::string(text) + "\" is no address, wanted HOST:PORT or [IPV6]:PORT");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return refused();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.front() == '[') {
    if (host.back() != ']') return refused();
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refused();
  }
  Address address{.host = std::string(host)};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  if (error != std::errc() || end != digits.data() + digits.size() || host.empty()) {
    return refused();
  }
  return address;
}

}  // namespace calx
