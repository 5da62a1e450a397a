// The two 16-bit floats of diffusion models, by one rounding: to nearest, ties to even.
#pragma once

#include <bit>
#include <cstdint>

namespace calx::noise {

/// The IEEE binary16 nearest to `value`, as its bits: subnormals kept, infinity from 65520 on, any
/// NaN becomes one quiet NaN of its sign. Integer arithmetic only, so FTZ and DAZ do not matter.
constexpr std::uint16_t to_float16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  std::uint32_t half = 0;
  if (magnitude > 0x7f800000u) {
    half = 0x7e00u;
  } else if (magnitude >= 0x477ff000u) {
    half = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {  // 2^-14: the exponent moves from bias 127 to 15
    const std::uint32_t moved = magnitude - 0x38000000u;
    half = (moved + 0xfffu + (moved >> 13 & 1u)) >> 13;
  } else if (magnitude > 0x33000000u) {  // above 2^-25, half of the least subnormal
    const std::uint32_t shift = 126u - (magnitude >> 23);
    const std::uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
    const std::uint32_t odd = significand >> shift & 1u;
    half = (significand + (1u << (shift - 1)) - 1u + odd) >> shift;
  }
  return static_cast<std::uint16_t>(sign | half);
}

/// The bfloat16 nearest to `value`, as its bits; any NaN becomes one quiet NaN of its sign.
constexpr std::uint16_t to_bfloat16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    return static_cast<std::uint16_t>((bits >> 16 & 0x8000u) | 0x7fc0u);
  }
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/// The value of a binary16, exact.
constexpr float from_float16(std::uint16_t half) noexcept {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1fu;
  const std::uint32_t fraction = half & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112u) << 23 | fraction << 13);
  const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
  return sign != 0 ? -magnitude : magnitude;
}

/// The value of a bfloat16, exact.
constexpr float from_bfloat16(std::uint16_t half) noexcept {
  return std::bit_cast<float>(std::uint32_t{half} << 16);
}

}  // namespace calx::noise
