// Which words of a message schedule vary when only some message words do. What does not vary is
// computed once per batch, header or row instead of once per block.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "calx/hash/round_constants.h"

namespace calx::hash {

/// Bit t stands for schedule word t.
struct Shape {
  std::uint64_t varies = 0;  // the word differs from block to block
  std::uint64_t zero = 0;    // its constant part (the sum of the terms that do not vary) is zero

  constexpr bool operator==(const Shape&) const = default;
  [[nodiscard]] constexpr bool is_variable(int t) const noexcept { return varies >> t & 1; }
  [[nodiscard]] constexpr bool is_zero(int t) const noexcept { return zero >> t & 1; }
  /// The first round that cannot be done ahead.
  [[nodiscard]] constexpr int first_round() const noexcept {
    int t = 0;
    while (t < 64 && !is_variable(t)) ++t;
    return t;
  }
};

/// The schedule of messages whose words in `varies` differ and whose words in `zero` are 0.
consteval Shape make_shape(std::uint64_t varies, std::uint64_t zero) {
  Shape shape{varies, varies | zero};
  for (int t = 16; t < 64; ++t) {
    bool variable = false, constant_zero = true;
    for (const int term : {t - 2, t - 7, t - 15, t - 16}) {
      if (shape.is_variable(term)) {
        variable = true;
      } else if (!shape.is_zero(term)) {
        constant_zero = false;
      }
    }
    if (variable) shape.varies |= 1ull << t;
    if (constant_zero) shape.zero |= 1ull << t;
  }
  return shape;
}

/// Counter mode: the group in word 12; padding in words 13..15, of which word 14 is 0.
inline constexpr Shape kCounterShape = make_shape(1 << 12, 1 << 14);
/// The last 16 bytes of a header: the nonce in word 3.
inline constexpr Shape kHeaderShape = make_shape(1 << 3, 0x7fe0);
/// A digest as a message: words 0..7.
inline constexpr Shape kDigestShape = make_shape(0xff, 0x7e00);
/// Any block: all 16 words.
inline constexpr Shape kBlockShape = make_shape(0xffff, 0);
/// Nothing varies.
inline constexpr Shape kConstantShape = make_shape(0, 0);

constexpr std::uint32_t small_sigma0(std::uint32_t x) noexcept {
  return (x >> 7 | x << 25) ^ (x >> 18 | x << 14) ^ x >> 3;
}

constexpr std::uint32_t small_sigma1(std::uint32_t x) noexcept {
  return (x >> 17 | x << 15) ^ (x >> 19 | x << 13) ^ x >> 10;
}

struct alignas(64) RoundWords {
  std::uint32_t values[64];
};

// Internal linkage: the folded tables of a translation unit follow its own round constants, also
// where a test plants a fault in these.
namespace {

/// K + W of the padding block that follows a message of 64 bytes.
constexpr RoundWords kPadding64 = [] {
  std::uint32_t w[64] = {0x80000000};
  w[15] = 64 * 8;
  RoundWords sums{};
  for (int t = 0; t < 64; ++t) {
    if (t > 15) w[t] = small_sigma1(w[t - 2]) + w[t - 7] + small_sigma0(w[t - 15]) + w[t - 16];
    sums.values[t] = w[t] + kRoundConstants[t];
  }
  return sums;
}();

}  // namespace
}  // namespace calx::hash
