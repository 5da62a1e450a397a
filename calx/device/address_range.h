// The addresses that a user named for a search: single ones, ranges and subnets, never more than
// a stated number and never outside the local network by accident.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calx/device/lan_address.h"

namespace calx::device {

inline constexpr std::size_t kSearchAddressesMax = 1024;  // a /22

struct SearchTarget {
  std::string ip;
  std::optional<std::uint16_t> port = {};  // nothing: the usual ones

  friend bool operator==(const SearchTarget&, const SearchTarget&) = default;
};

enum class Reach : std::uint8_t {
  kLan,     // is_lan() alone
  kAnyone,  // also a single address elsewhere, never a range
};

/// "192.168.1.20", "192.168.1.10-40", "192.168.1.250-192.168.2.5" (ends included) or
/// "192.168.1.0/24" (without the net's own and its broadcast address), each perhaps with ":PORT".
/// Errors: kInvalidArgument (no such form, a range backwards, outside the reach, more than
/// kSearchAddressesMax).
Result<std::vector<SearchTarget>> expand_range(std::string_view text, Reach reach = Reach::kLan);

/// All of these together, each address once, in their order. Errors: as above.
Result<std::vector<SearchTarget>> expand_ranges(const std::vector<std::string>& texts,
                                                Reach reach = Reach::kLan);

}  // namespace calx::device
