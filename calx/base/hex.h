// Bytes as lower-case hexadecimal text, two digits a byte, first byte first.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"

namespace calx {

std::string to_hex(std::span<const std::uint8_t> bytes);

/// Reads exactly 2 * out.size() digits of either case.
/// Errors: kInvalidArgument names the first bad digit or the wrong length.
Result<void> from_hex(std::string_view text, std::span<std::uint8_t> out);

/// Reads any even number of digits.
Result<std::vector<std::uint8_t>> from_hex(std::string_view text);

}  // namespace calx
