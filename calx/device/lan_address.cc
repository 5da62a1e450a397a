#include "calx/device/lan_address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace calx::device {
namespace {

struct Net {
  std::uint32_t prefix, mask;
};
constexpr Net kLocalNets[] = {{0x7f000000, 0xff000000},
                              {0x0a000000, 0xff000000},
                              {0xac100000, 0xfff00000},
                              {0xc0a80000, 0xffff0000},
                              {0xa9fe0000, 0xffff0000}};

}  // namespace

Result<LanAddress> parse_lan_address(std::string_view text, std::uint16_t default_port) {
  const std::size_t colon = text.find(':');
  LanAddress address{.ip = std::string(text.substr(0, colon)), .port = default_port};
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    if (error != std::errc() || end != digits.data() + digits.size() || address.port == 0) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("port \"{}\", wanted 1 to 65535", digits));
    }
  }
  CALX_ASSIGN(number, parse_ipv4(address.ip));
  if (is_lan(number)) return address;
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("address {} is public: devices are only spoken to on this machine or in a "
                  "private network",
                  address.ip));
}

bool is_lan(std::uint32_t ip) noexcept {
  return std::ranges::any_of(kLocalNets,
                             [ip](const Net& net) { return (ip & net.mask) == net.prefix; });
}

Result<std::uint32_t> parse_ipv4(const std::string& text) {
  in_addr parsed{};
  if (::inet_pton(AF_INET, text.c_str(), &parsed) == 1) return ntohl(parsed.s_addr);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("address \"{}\", wanted IPv4 numbers, as in 192.168.1.20", text));
}

std::string ipv4_text(std::uint32_t ip) {
  return fmt::format("{}.{}.{}.{}", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

}  // namespace calx::device
