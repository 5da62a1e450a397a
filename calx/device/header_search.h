// What emulated chips do all day: try nonces of a header that they know as a midstate.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "calx/hash/digest.h"

namespace calx::device {

/// Calls `found` with each nonce of first .. first + count - 1, ascending, whose double hash has at
/// least `zero_bits` zero bits at its top, and with the number that it has.
/// `tail`: header bytes 64..75 as big-endian message words. \pre first + count <= 2^32
void search_header(const hash::State& midstate, const std::array<std::uint32_t, 3>& tail,
                   std::uint32_t first, std::uint64_t count, unsigned zero_bits,
                   const std::function<void(std::uint32_t nonce, unsigned bits)>& found);

}  // namespace calx::device
