// Goal: connections begin no faster than allowed, and a waiting one can be called off.
// Method: the least time that 21 turns must take; a deadline in the past; a stop before and during.
#include "calx/device/pace.h"

#include <gtest/gtest.h>

#include <thread>

namespace calx::device {
namespace {

TEST(PaceTest, TurnsAreNeverCloserThanTheRateAllows) {
  Pace pace(200);
  const auto start = std::chrono::steady_clock::now();
  const auto deadline = start + std::chrono::seconds(10);
  for (int i = 0; i < 21; ++i) ASSERT_TRUE(pace.wait({}, deadline));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(100));
  EXPECT_FALSE(pace.wait({}, std::chrono::steady_clock::now() - std::chrono::seconds(1)));
}

TEST(PaceTest, AStopEndsTheWait) {
  Pace pace(0.001);  // the second turn is 1,000 s away
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
  std::stop_source stop;
  ASSERT_TRUE(pace.wait(stop.get_token(), deadline));
  const std::jthread later([&stop] { stop.request_stop(); });
  EXPECT_FALSE(pace.wait(stop.get_token(), deadline));
  EXPECT_FALSE(pace.wait(stop.get_token(), deadline));
}

}  // namespace
}  // namespace calx::device
