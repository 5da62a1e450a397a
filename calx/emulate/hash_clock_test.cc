// Goal: the waits of an emulated device are those of a real one: exponential, at the modelled rate.
// Method: law test (Kolmogorov-Smirnov against the exponential distribution function, fixed seed,
// drawn waits and no wall clock), which a rate that is 5 % off and a constant wait must fail.
#include "calx/emulate/hash_clock.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace calx::emulate {
namespace {

constexpr double kRate = 433.59e9, kHashes = 256 * 0x1p32;
constexpr std::size_t kWaits = 20'000;

// The greatest distance between the sample's and the exponential law's distribution functions,
// times sqrt(n); above 1.63 in 1 % of the samples of that law.
double distance(std::vector<double> waits, double mean) {
  std::sort(waits.begin(), waits.end());
  const double n = static_cast<double>(waits.size());
  double worst = 0;
  for (std::size_t i = 0; i < waits.size(); ++i) {
    const double law = -std::expm1(-waits[i] / mean);
    worst =
        std::max({worst, law - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - law});
  }
  return worst * std::sqrt(n);
}

constexpr double kOnePercent = 1.63;

std::vector<double> drawn(std::uint64_t member) {
  HashClock clock(Draws::open(noise::Seed::from_integer(std::int64_t{7}), "test", member).value(),
                  kRate);
  std::vector<double> waits;
  for (std::size_t i = 0; i < kWaits; ++i) waits.push_back(clock.gap(kHashes).count());
  return waits;
}

TEST(HashClockTest, WaitsFollowTheExponentialLawAtTheModelledRate) {
  EXPECT_LT(distance(drawn(0), kHashes / kRate), kOnePercent);
  EXPECT_LT(distance(drawn(1), kHashes / kRate), kOnePercent);
}

TEST(HashClockTest, TheTestOfTheLawSeesAWrongRateAndAConstantWait) {
  EXPECT_GT(distance(drawn(0), 1.05 * kHashes / kRate), kOnePercent);
  EXPECT_GT(distance(std::vector<double>(kWaits, kHashes / kRate), kHashes / kRate), kOnePercent);
}

TEST(HashClockTest, OneSeedGivesOneSequenceAndEachMemberItsOwn) {
  EXPECT_EQ(drawn(3), drawn(3));
  EXPECT_NE(drawn(3), drawn(4));
}

}  // namespace
}  // namespace calx::emulate
