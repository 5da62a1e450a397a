// zlib behind one call that cannot be made to eat memory.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "calx/base/result.h"

namespace calx::format {

enum class Deflated : std::uint8_t {
  kRaw,   // RFC 1951, as in zip
  kGzip,  // RFC 1952, one or more members
};

/// The bytes behind `packed`, which must end where the stream ends.
/// \param what  names the stream in messages
/// Errors: kDataLoss (no such stream, cut short, bad check sum, bytes after the end),
/// kResourceExhausted (over `bytes_max`, or no memory).
Result<std::vector<std::uint8_t>> inflate(std::span<const std::uint8_t> packed, Deflated kind,
                                          std::uint64_t bytes_max, std::string_view what);

}  // namespace calx::format
