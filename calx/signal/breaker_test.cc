// Goal: a device that fails, falls silent, overheats or lies is left alone, and tried again gently.
// Method: law. Every transition, with times that the test makes up.
#include "calx/signal/breaker.h"

#include <gtest/gtest.h>

#include <cmath>

namespace calx::signal {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const Time kStart{};

TEST(BreakerTest, OpensAfterFailuresInARowAndTriesOnceWhenItsTimeIsOver) {
  Breaker breaker;
  for (int i = 0; i < 2; ++i) breaker.record_failure(kStart, "cable");
  EXPECT_TRUE(breaker.admit(kStart));
  breaker.record_failure(kStart, "cable");
  EXPECT_EQ(breaker.state(), BreakerState::kOpen);
  EXPECT_EQ(breaker.reason(), "cable");
  EXPECT_FALSE(breaker.admit(kStart + seconds(4)));
  EXPECT_TRUE(breaker.admit(kStart + seconds(5)));
  EXPECT_EQ(breaker.state(), BreakerState::kHalfOpen);
  EXPECT_FALSE(breaker.admit(kStart + seconds(5))) << "one trial at a time";
  breaker.record_success(kStart + seconds(6));
  EXPECT_EQ(breaker.state(), BreakerState::kClosed);
  EXPECT_TRUE(breaker.reason().empty());
}

TEST(BreakerTest, EachFailedTrialDoublesTheWaitUpToItsLimit) {
  Breaker breaker({.open_first = seconds(10), .open_max = seconds(30)});
  Time now = kStart;
  for (int i = 0; i < 3; ++i) breaker.record_failure(now, "dead");
  for (const int wait : {10, 20, 30, 30}) {
    EXPECT_FALSE(breaker.admit(now + seconds(wait) - seconds(1))) << wait;
    now += seconds(wait);
    ASSERT_TRUE(breaker.admit(now)) << wait;
    breaker.record_failure(now, "dead");
  }
}

TEST(BreakerTest, OpensAboveTheErrorRateEvenWhenSuccessesComeBetween) {
  Breaker breaker({.window = 10, .results_min = 6, .error_rate_max = 0.5});
  for (int i = 0; i < 3; ++i) {
    breaker.record_failure(kStart, "a");
    breaker.record_failure(kStart, "b");
    breaker.record_success(kStart);
  }
  EXPECT_EQ(breaker.state(), BreakerState::kClosed) << "a success closes";
  EXPECT_NEAR(breaker.error_rate(), 6.0 / 9.0, 1e-12);
  breaker.record_failure(kStart, "rate");
  EXPECT_EQ(breaker.state(), BreakerState::kOpen);
}

TEST(BreakerTest, ATrialThatEndsForReasonsOfItsOwnLeavesRoomForAnother) {
  Breaker breaker({.failures_in_a_row = 1});
  breaker.record_failure(kStart, "x");
  ASSERT_TRUE(breaker.admit(kStart + minutes(1)));
  breaker.record_nothing();
  EXPECT_TRUE(breaker.admit(kStart + minutes(1)));
}

TEST(BreakerTest, ALieLocksUntilSomebodyForgives) {
  Breaker breaker;
  breaker.record_lie("wrong nonce");
  EXPECT_EQ(breaker.state(), BreakerState::kLocked);
  breaker.record_success(kStart);
  EXPECT_FALSE(breaker.admit(kStart + minutes(10'000)));
  EXPECT_EQ(breaker.reason(), "wrong nonce");
  breaker.reset();
  EXPECT_TRUE(breaker.admit(kStart));
}

TEST(BreakerTest, HeatAndSilenceOpenAndANonsenseTemperatureDoesToo) {
  Breaker warm, hot, nonsense, silent;
  warm.record_celsius(kStart, 70);
  EXPECT_EQ(warm.state(), BreakerState::kClosed);
  hot.record_celsius(kStart, 90);
  EXPECT_EQ(hot.state(), BreakerState::kOpen);
  nonsense.record_celsius(kStart, std::nan(""));
  EXPECT_EQ(nonsense.state(), BreakerState::kOpen);
  silent.record_silence(kStart + minutes(1), kStart);
  EXPECT_EQ(silent.state(), BreakerState::kClosed);
  silent.record_silence(kStart + minutes(3), kStart);
  EXPECT_EQ(silent.state(), BreakerState::kOpen);
  EXPECT_EQ(silent.reason(), "silent for 180 s");
}

}  // namespace
}  // namespace calx::signal
