#include "calx/device/address_range.h"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <utility>

namespace calx::device {
namespace {

constexpr std::size_t kRangeTextMax = 64;

struct Range {
  std::uint32_t first = 0, last = 0;
};

std::unexpected<Error> not_a_range(std::string_view text) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("addresses \"{}\", wanted 192.168.1.20, 192.168.1.10-40 or "
                          "192.168.1.0/24, perhaps with :PORT",
                          text.substr(0, kRangeTextMax)));
}

std::optional<unsigned> number(std::string_view digits, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value > most) {
    return std::nullopt;
  }
  return value;
}

Result<Range> parse_subnet(std::string_view text, std::size_t slash) {
  const auto bits = number(text.substr(slash + 1), 32);
  const auto base = parse_ipv4(std::string(text.substr(0, slash)));
  if (!bits || !base) return not_a_range(text);
  const std::uint32_t mask = *bits == 0 ? 0 : ~std::uint32_t{0} << (32 - *bits);
  Range range{*base & mask, *base | ~mask};
  constexpr unsigned kPointToPoint = 31;  // such nets have no address of their own (RFC 3021)
  if (*bits < kPointToPoint) ++range.first, --range.last;
  return range;
}

Result<Range> parse_range(std::string_view text) {
  const std::size_t slash = text.find('/'), dash = text.find('-');
  if (slash != std::string_view::npos) return parse_subnet(text, slash);
  const auto first = parse_ipv4(std::string(text.substr(0, dash)));
  if (!first) return not_a_range(text);
  if (dash == std::string_view::npos) return Range{*first, *first};
  const std::string_view end = text.substr(dash + 1);
  if (const auto octet = number(end, 255)) return Range{*first, (*first & ~0xffU) | *octet};
  const auto last = parse_ipv4(std::string(end));
  if (!last) return not_a_range(text);
  return Range{*first, *last};
}

}  // namespace

Result<std::vector<SearchTarget>> expand_range(std::string_view text, Reach reach) {
  if (text.size() > kRangeTextMax) return not_a_range(text);
  std::optional<std::uint16_t> port;
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos) {
    const auto value = number(text.substr(colon + 1), 65535);
    if (!value || *value == 0) return not_a_range(text);
    port = static_cast<std::uint16_t>(*value);
  }
  CALX_ASSIGN(range, parse_range(text.substr(0, colon)));
  if (range.last < range.first) return not_a_range(text);
  if (range.last - range.first >= kSearchAddressesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("addresses \"{}\" are {}, at most {} are asked", text,
                            std::uint64_t{range.last} - range.first + 1, kSearchAddressesMax));
  }
  const bool single = range.first == range.last;
  std::vector<SearchTarget> targets;
  for (std::uint64_t ip = range.first; ip <= range.last; ++ip) {
    const auto address = static_cast<std::uint32_t>(ip);
    if (!is_lan(address) && !(single && reach == Reach::kAnyone)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("address {} is public: only this machine and private networks are "
                              "searched",
                              ipv4_text(address)));
    }
    targets.push_back({.ip = ipv4_text(address), .port = port});
  }
  return targets;
}

Result<std::vector<SearchTarget>> expand_ranges(const std::vector<std::string>& texts,
                                                Reach reach) {
  std::vector<SearchTarget> all;
  std::set<std::pair<std::string, std::optional<std::uint16_t>>> seen;
  for (const std::string& text : texts) {
    CALX_ASSIGN(targets, expand_range(text, reach));
    for (SearchTarget& target : targets) {
      if (!seen.emplace(target.ip, target.port).second) continue;
      if (all.size() == kSearchAddressesMax) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("more than {} addresses together, at most so many are asked",
                                kSearchAddressesMax));
      }
      all.push_back(std::move(target));
    }
  }
  return all;
}

}  // namespace calx::device
