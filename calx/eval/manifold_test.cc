// Goal: precision falls with pictures that look unreal, recall with real ones that are not made.
// Method: clouds on a line whose balls are known by hand; equal clouds; a collapsed and a far
// cloud; an exhaustive computation from the definition; errors provoked.
#include "calx/eval/manifold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "calx/noise/stream.h"

namespace calx::eval {
namespace {

using testing::HasSubstr;

std::vector<float> normals(std::size_t count, std::uint64_t index) {
  std::vector<float> values(count);
  noise::Region region;
  region.columns = static_cast<std::uint32_t>(count);
  EXPECT_TRUE(noise::Stream::open(noise::Seed(), "test", index)->normal(region, values));
  return values;
}

TEST(ManifoldTest, CountsPointsWithinBallsKnownByHand) {
  // k = 1: the balls of 0, 1, 3, 7 have radii 1, 1, 2, 4; those of 2, 20, 21 have 18, 1, 1.
  const std::vector<float> real{0, 1, 3, 7}, made{2, 20, 21};
  const auto found = compare_manifolds(real, made, 1, 1, 1);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_DOUBLE_EQ(found->precision, 1.0 / 3);  // 2; 20 and 21 are further than 4 from 7
  EXPECT_DOUBLE_EQ(found->recall, 1.0);         // all within 18 of 2
  EXPECT_TRUE(found->precision_interval.low < found->precision &&
              found->precision < found->precision_interval.high);
}

TEST(ManifoldTest, ACloudLiesOnItself) {
  const auto cloud = normals(200 * 4, 1);
  const auto found = compare_manifolds(cloud, cloud, 4, 3, 2);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->precision, 1);
  EXPECT_EQ(found->recall, 1);
}

TEST(ManifoldTest, CollapseCostsRecallAndNoiseCostsPrecision) {
  const auto real = normals(300 * 4, 1);
  auto narrow = normals(300 * 4, 2), wide = normals(300 * 4, 3);
  for (float& v : narrow) v *= 0.2F;
  for (float& v : wide) v *= 3;
  const auto collapsed = compare_manifolds(real, narrow, 4, 3, 2);
  const auto noisy = compare_manifolds(real, wide, 4, 3, 2);
  ASSERT_TRUE(collapsed && noisy);
  EXPECT_GT(collapsed->precision, 0.95);
  EXPECT_LT(collapsed->recall, 0.3);
  EXPECT_LT(noisy->precision, 0.3);
  EXPECT_GT(noisy->recall, 0.7);
}

TEST(ManifoldTest, AgreesWithTheDefinitionTakenLiterally) {
  constexpr std::size_t kRows = 60, kWidth = 3, k = 3;
  const auto real = normals(kRows * kWidth, 4), made = normals(kRows * kWidth, 5);
  const auto distance = [](const std::vector<float>& a, std::size_t i, const std::vector<float>& b,
                           std::size_t j) {
    double sum = 0;
    for (std::size_t c = 0; c < kWidth; ++c) {
      sum += std::pow(double{a[i * kWidth + c]} - double{b[j * kWidth + c]}, 2);
    }
    return std::sqrt(sum);
  };
  const auto share = [&](const std::vector<float>& points, const std::vector<float>& manifold) {
    int inside = 0;
    for (std::size_t i = 0; i < kRows; ++i) {
      bool hit = false;
      for (std::size_t j = 0; j < kRows; ++j) {
        std::vector<double> others;
        for (std::size_t o = 0; o < kRows; ++o) {
          if (o != j) others.push_back(distance(manifold, j, manifold, o));
        }
        std::ranges::sort(others);
        hit = hit || distance(points, i, manifold, j) <= others[k - 1];
      }
      inside += hit ? 1 : 0;
    }
    return inside / static_cast<double>(kRows);
  };
  const auto found = compare_manifolds(real, made, kWidth, k, 1);
  ASSERT_TRUE(found);
  EXPECT_DOUBLE_EQ(found->precision, share(made, real));
  EXPECT_DOUBLE_EQ(found->recall, share(real, made));
}

TEST(ManifoldTest, SaysWhatItRefuses) {
  const std::vector<float> few{0, 1, 2};
  const auto small = compare_manifolds(few, few, 1, 3, 1);
  ASSERT_FALSE(small);
  EXPECT_THAT(small.error().message, HasSubstr("more than k = 3"));
  EXPECT_FALSE(compare_manifolds(few, few, 2, 1, 1));
  const std::vector<float> broken{0, 1, std::numeric_limits<float>::quiet_NaN()};
  const auto nan = compare_manifolds(few, broken, 1, 1, 1);
  ASSERT_FALSE(nan);
  EXPECT_THAT(nan.error().message, HasSubstr("made features"));
}

}  // namespace
}  // namespace calx::eval
