// The scale of a group of weights in eight bits: sixteen steps an octave, sixteen octaves.
#pragma once

#include <cstdint>

namespace calx::weights {

inline constexpr int kExponentMax = 60;  // and its negative

/// Byte 0 says that every weight of the group is 0. Byte b stands for
///   2^((b mod 16) / 16) 2^(floor(b / 16) - 15 + exponent)
/// where the first factor is one of sixteen float32 that the standard lists; the product is exact.
/// \pre |exponent| <= kExponentMax
float scale_value(std::uint8_t byte, int exponent) noexcept;

/// The exponent of a tensor whose largest scale is to be about `largest`, which may be 0.
/// \pre 0 <= largest < 2^kExponentMax
int scale_exponent(float largest) noexcept;

/// The byte whose value is nearest to `scale` in ratio; 0 if scale is 0 or below the least value by
/// more than half a step. The same byte on every machine.
std::uint8_t nearest_scale(float scale, int exponent) noexcept;

}  // namespace calx::weights
