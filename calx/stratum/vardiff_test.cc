// Goal: the difficulty follows a miner's speed to the stated share rate and then rests.
// Method: law test: a seeded Poisson miner of known speed; fault tests of silence and bursts.
#include "calx/stratum/vardiff.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace calx::stratum {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Time kStart{};

// Plays a miner that finds `shares_per_second_at_one` at difficulty 1; returns the exponent.
int settle(Vardiff& vardiff, int k, double shares_per_second_at_one, seconds length, int mask,
           int* changes = nullptr) {
  std::mt19937_64 random(11);
  Time now = kStart;
  while (now < kStart + length) {
    const double mean = shares_per_second_at_one / std::ldexp(1.0, std::max(k, mask)) * 0.1;
    now += milliseconds(100);
    const int shares = std::poisson_distribution<int>(mean)(random);
    for (int i = 0; i < shares; ++i) {
      const double u = std::generate_canonical<double, 53>(random);
      vardiff.on_share(std::max(k, mask) - std::log2(1 - u));
    }
    if (const auto next = vardiff.judge(k, now)) {
      k = *next;
      if (changes != nullptr) ++*changes;
    }
  }
  return k;
}

TEST(VardiffTest, AMinerOfAnySpeedEndsNearTheAim) {
  for (const double speed : {1e6, 1e7, 5e11, 1.35e13}) {
    const double at_one = speed / std::exp2(32);
    Vardiff vardiff({}, kStart);
    const int k = settle(vardiff, -8, at_one, seconds(1200), -60);
    const double rate = at_one / std::ldexp(1.0, k);
    EXPECT_GT(rate, 0.5 / 4) << speed;
    EXPECT_LT(rate, 0.5 * 4) << speed;
    EXPECT_NEAR(std::log2(vardiff.hash_rate_hps() / speed), 0, 1.6) << speed;
  }
}

TEST(VardiffTest, AMinerThatFiltersByItselfIsNotPushedBelowItsFilter) {
  const double at_one = 5e11 / std::exp2(32);  // an LV06, ticket mask 256: 0.45 shares a second
  Vardiff vardiff({}, kStart);
  settle(vardiff, -8, at_one, seconds(600), 8);
  EXPECT_NEAR(std::log2(vardiff.hash_rate_hps() / 5e11), 0, 1.6);
}

TEST(VardiffTest, SilenceLowersItSlowlyAndWithinItsBounds) {
  Vardiff vardiff({.log2_min = -12}, kStart);
  EXPECT_FALSE(vardiff.judge(-8, kStart + seconds(15)));
  EXPECT_EQ(vardiff.judge(-8, kStart + seconds(16)), -10);
  EXPECT_EQ(vardiff.judge(-11, kStart + seconds(33)), -12);
  EXPECT_FALSE(vardiff.judge(-12, kStart + seconds(50)));
}

TEST(VardiffTest, ABurstIsJudgedBeforeTheWindowEnds) {
  Vardiff vardiff({}, kStart);
  for (int i = 0; i < 64; ++i) vardiff.on_share(-8);
  EXPECT_EQ(vardiff.judge(-8, kStart + seconds(1)), -8 + 7);  // 64 a second against a half
}

TEST(VardiffTest, WithoutAnAimItStays) {
  Vardiff vardiff({.shares_per_second = 0}, kStart);
  for (int i = 0; i < 1000; ++i) vardiff.on_share(-8);
  EXPECT_FALSE(vardiff.judge(-8, kStart + seconds(60)));
}

}  // namespace
}  // namespace calx::stratum
