// Goal: an interval holds the truth as often as it says, and a replicate is a function of its
// address.
// Method: counts of drawn items against multinomial laws; the interval of a mean over many data
// sets drawn from a known law; Wilson's interval against its published example.
#include "calx/eval/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "calx/noise/stream.h"

namespace calx::eval {
namespace {

const noise::Seed kSeed = noise::Seed::from_integer(std::int64_t{11});

std::vector<float> normal_values(std::uint64_t index, std::size_t count) {
  std::vector<float> values(count);
  noise::Region region;
  region.columns = static_cast<std::uint32_t>(count);
  EXPECT_TRUE(noise::Stream::open(kSeed, "data", index)->normal(region, values));
  return values;
}

TEST(ResamplerTest, KeepsTheSizeOfEveryStratum) {
  std::vector<std::int32_t> strata;
  for (int i = 0; i < 100; ++i) strata.push_back(i % 7 == 0 ? 3 : 1);
  const auto resampler = Resampler::create(kSeed, "bootstrap", strata);
  ASSERT_TRUE(resampler);
  std::vector<std::uint32_t> counts(strata.size());
  ASSERT_TRUE(resampler->draw(5, counts));
  std::uint32_t of_three = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) of_three += strata[i] == 3 ? counts[i] : 0;
  EXPECT_EQ(of_three, 15U);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0U), 100U);
}

TEST(ResamplerTest, DrawsEveryItemAsOftenAsChanceWould) {
  constexpr std::size_t kItems = 50;
  constexpr int kReplicates = 2000;
  const std::vector<std::int32_t> strata(kItems, 0);
  const auto resampler = Resampler::create(kSeed, "bootstrap", strata);
  ASSERT_TRUE(resampler);
  std::vector<std::uint32_t> counts(kItems);
  std::vector<double> totals(kItems);
  for (std::uint64_t r = 0; r < kReplicates; ++r) {
    ASSERT_TRUE(resampler->draw(r, counts));
    for (std::size_t i = 0; i < kItems; ++i) totals[i] += counts[i];
  }
  // A total is binomial(kItems * kReplicates, 1 / kItems); the sum of squared deviations over the
  // mean is chi-square with kItems - 1 degrees of freedom: mean 49, deviation sqrt(98).
  double chi_square = 0;
  for (const double total : totals) {
    chi_square += (total - kReplicates) * (total - kReplicates) / kReplicates;
  }
  EXPECT_NEAR(chi_square, 49, 4 * std::sqrt(98.0));
}

TEST(ResamplerTest, RepeatsAReplicateAndChangesWithItsNumber) {
  const std::vector<std::int32_t> strata(64, 0);
  const auto resampler = Resampler::create(kSeed, "bootstrap", strata);
  ASSERT_TRUE(resampler);
  std::vector<std::uint32_t> a(64), b(64), c(64);
  ASSERT_TRUE(resampler->draw(9, a));
  ASSERT_TRUE(resampler->draw(9, b));
  ASSERT_TRUE(resampler->draw(10, c));
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

TEST(ResamplerTest, RefusesNoItems) {
  EXPECT_EQ(Resampler::create(kSeed, "bootstrap", {}).error().code, ErrorCode::kInvalidArgument);
}

TEST(IntervalTest, OfAPairedDifferenceCoversTheTruthNineteenTimesInTwenty) {
  constexpr std::size_t kItems = 60;
  constexpr int kDataSets = 1600, kReplicates = 400;
  const std::vector<std::int32_t> strata(kItems, 0);
  const auto resampler = Resampler::create(kSeed, "bootstrap", strata);
  ASSERT_TRUE(resampler);
  std::vector<std::vector<std::uint32_t>> counts(kReplicates, std::vector<std::uint32_t>(kItems));
  for (std::uint64_t r = 0; r < kReplicates; ++r) ASSERT_TRUE(resampler->draw(r, counts[r]));

  // Pairs (s + a + 0.3, s + b): the shared part s is nine times the rest in variance, so an
  // unpaired interval would be far too wide, and would cover always.
  int covered = 0;
  for (std::uint64_t set = 0; set < kDataSets; ++set) {
    const auto values = normal_values(set, 3 * kItems);
    std::vector<double> difference(kItems), means;
    for (std::size_t i = 0; i < kItems; ++i) {
      const double shared = 3 * static_cast<double>(values[i]);
      const double first = shared + static_cast<double>(values[kItems + i]) + 0.3;
      const double second = shared + static_cast<double>(values[2 * kItems + i]);
      difference[i] = first - second;
    }
    for (const auto& drawn : counts) {
      double sum = 0;
      for (std::size_t i = 0; i < kItems; ++i) sum += drawn[i] * difference[i];
      means.push_back(sum / kItems);
    }
    const Interval interval = percentile_interval(means, 0.95);
    covered += interval.low <= 0.3 && 0.3 <= interval.high ? 1 : 0;
  }
  // The percentile interval of n = 60 is short by the factor sqrt(59/60) and takes normal for t
  // quantiles: coverage 0.943 instead of 0.95. Plus and minus four binomial deviations of 0.0058.
  EXPECT_NEAR(covered / double{kDataSets}, 0.943, 4 * 0.0058);
}

TEST(IntervalTest, SaysWhetherItLiesWithinABound) {
  EXPECT_TRUE((Interval{-0.04, 0.05}.within(0.05)));
  EXPECT_FALSE((Interval{-0.06, 0.01}.within(0.05)));
  EXPECT_FALSE((Interval{0.01, 0.06}.within(0.05)));
  EXPECT_DOUBLE_EQ((Interval{-0.06, 0.02}.half_width()), 0.04);
}

TEST(QuantileTest, IsLinearBetweenOrderStatistics) {
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 0.0), 1);
  EXPECT_DOUBLE_EQ(quantile({4, 1, 3, 2}, 1.0), 4);
  EXPECT_DOUBLE_EQ(quantile({7}, 0.3), 7);
}

TEST(WilsonTest, AgreesWithPublishedValues) {
  // Newcombe 1998, table I: 81 of 263, and 0 of 20.
  const Interval many = wilson_interval(81, 263);
  EXPECT_NEAR(many.low, 0.2553, 5e-5);
  EXPECT_NEAR(many.high, 0.3662, 5e-5);
  const Interval none = wilson_interval(0, 20);
  EXPECT_NEAR(none.low, 0.0, 1e-12);
  EXPECT_NEAR(none.high, 0.1611, 5e-5);
}

}  // namespace
}  // namespace calx::eval
