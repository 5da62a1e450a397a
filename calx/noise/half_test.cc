// Goal: float16 and bfloat16 are the nearest ones, ties to even, subnormals included.
// Method: law over every pair of neighbouring positive halves (a value, its upper neighbour, the
// midpoint and the floats just beside it); vectors for the ends; one vector from the protocol.
#include "calx/noise/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace calx::noise {
namespace {

float float16_value(std::uint32_t half) {
  const int exponent = static_cast<int>(half >> 10);
  const auto fraction = static_cast<float>(half & 0x3ff);
  if (exponent == 0) return std::ldexp(fraction, -24);
  return std::ldexp(fraction + 1024.0f, exponent - 25);
}

float bfloat16_value(std::uint32_t half) { return std::bit_cast<float>(half << 16); }

template <class Round, class Value>
void expect_nearest_even(std::uint32_t finite_count, Round round, Value value) {
  for (std::uint32_t half = 0; half + 1 < finite_count; ++half) {
    const float low = value(half);
    const float high = value(half + 1);
    const float middle = low + (high - low) / 2;
    const std::uint32_t even = half % 2 == 0 ? half : half + 1;
    ASSERT_EQ(round(low), half);
    ASSERT_EQ(round(middle), even) << half;
    ASSERT_EQ(round(std::nextafter(middle, 0.0f)), half);
    ASSERT_EQ(round(std::nextafter(middle, high)), half + 1);
    ASSERT_EQ(round(-middle), even | 0x8000u);
  }
}

TEST(HalfTest, EveryFloat16IsTheNearestWithTiesToEven) {
  expect_nearest_even(0x7c00, to_float16, float16_value);
}

TEST(HalfTest, EveryBfloat16FromTheLeastNormalOnIsTheNearestWithTiesToEven) {
  expect_nearest_even(
      0x7f80 - 0x80, [](float f) { return to_bfloat16(f) - 0x80; },
      [](std::uint32_t half) { return bfloat16_value(half + 0x80); });
}

TEST(HalfTest, EveryBitPatternSurvivesTheRoundTrip) {
  for (std::uint32_t half = 0; half < 0x10000; ++half) {
    const auto bits = static_cast<std::uint16_t>(half);
    if (!std::isnan(from_float16(bits))) {
      ASSERT_EQ(to_float16(from_float16(bits)), bits);
    }
    if (!std::isnan(from_bfloat16(bits))) {
      ASSERT_EQ(to_bfloat16(from_bfloat16(bits)), bits);
    }
  }
}

TEST(HalfTest, TheEndsAreThoseOfIeee) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(to_float16(65519.0f), 0x7bff);
  EXPECT_EQ(to_float16(65520.0f), 0x7c00);
  EXPECT_EQ(to_float16(kInfinity), 0x7c00);
  EXPECT_EQ(to_float16(0x1p-25f), 0);
  EXPECT_EQ(to_float16(-0x1.000002p-25f), 0x8001);
  EXPECT_EQ(to_float16(std::numeric_limits<float>::quiet_NaN()) & 0x7fff, 0x7e00);
  EXPECT_EQ(to_bfloat16(std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_EQ(to_bfloat16(-kInfinity), 0xff80);
  EXPECT_EQ(to_bfloat16(std::numeric_limits<float>::quiet_NaN()) & 0x7fff, 0x7fc0);
}

TEST(HalfTest, GivesTheValuesOfTheProtocol) {
  EXPECT_EQ(to_float16(std::bit_cast<float>(0xbf6a4b77u)), 0xbb52);
  EXPECT_EQ(to_bfloat16(std::bit_cast<float>(0xbf6a4b77u)), 0xbf6a);
}

}  // namespace
}  // namespace calx::noise
