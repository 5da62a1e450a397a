// Goal: drawn digits are addressed, varied, and can be told apart.
// Method: equality of prefixes, bounds on ink, and a nearest-mean classifier on held-out pictures.
#include "calx/diffusion/procedural_digits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

namespace calx::diffusion {
namespace {

constexpr std::size_t kPixels = std::size_t{kDigitSide} * kDigitSide;

TEST(ProceduralDigitsTest, PictureDependsOnSeedAndIndexAlone) {
  const auto few = draw_digits(noise::Seed(), 15), many = draw_digits(noise::Seed(), 30);
  ASSERT_TRUE(few && many);
  EXPECT_TRUE(std::equal(few->pictures.begin(), few->pictures.end(), many->pictures.begin()));
  const auto other = draw_digits(noise::Seed::from_integer(std::int64_t{1}), 15);
  EXPECT_NE(other->pictures, few->pictures);
}

TEST(ProceduralDigitsTest, ClassesComeInTurnAndEveryPictureHasSomeInk) {
  const auto set = draw_digits(noise::Seed(), 200);
  ASSERT_TRUE(set);
  for (std::size_t i = 0; i < set->size(); ++i) {
    EXPECT_EQ(set->labels[i], static_cast<std::int32_t>(i % 10));
    const auto picture = set->picture(i);
    const auto ink = std::ranges::count_if(picture, [](float x) { return x > 0; });
    EXPECT_GT(ink, 20) << i;
    EXPECT_LT(ink, 300) << i;
  }
}

TEST(ProceduralDigitsTest, NearestMeanTellsThemApart) {
  const auto set = draw_digits(noise::Seed(), 1200);
  ASSERT_TRUE(set);
  std::array<std::vector<double>, 10> means;
  means.fill(std::vector<double>(kPixels));
  for (std::size_t i = 0; i < 1000; ++i) {
    for (std::size_t p = 0; p < kPixels; ++p) means[i % 10][p] += set->picture(i)[p] / 100;
  }
  int right = 0;
  for (std::size_t i = 1000; i < 1200; ++i) {
    std::array<double, 10> distances{};
    for (std::size_t c = 0; c < 10; ++c) {
      for (std::size_t p = 0; p < kPixels; ++p) {
        const double d = set->picture(i)[p] - means[c][p];
        distances[c] += d * d;
      }
    }
    const auto nearest = std::ranges::min_element(distances) - distances.begin();
    right += nearest == static_cast<std::ptrdiff_t>(i % 10) ? 1 : 0;
  }
  EXPECT_GE(right, 170);  // chance would give 20 of 200
}

TEST(ProceduralDigitsTest, RefusesImpossibleCounts) {
  EXPECT_FALSE(draw_digits(noise::Seed(), 0));
  EXPECT_FALSE(draw_digits(noise::Seed(), kDigitsMax + 1));
}

}  // namespace
}  // namespace calx::diffusion
