// Goal: the schedule keeps the variance, runs from picture to noise, and v inverts.
// Method: laws over a grid of times; tolerances are a few roundings.
#include "calx/diffusion/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace calx::diffusion {
namespace {

TEST(ScheduleTest, SharesOfPictureAndNoiseHaveUnitSquareSum) {
  for (int i = 0; i <= 100; ++i) {
    const auto level = noise_level(i / 100.0);
    EXPECT_NEAR(level.alpha * level.alpha + level.sigma * level.sigma, 1.0, 4e-16);
  }
}

TEST(ScheduleTest, RunsFromThePictureToNoiseWithoutTurning) {
  EXPECT_EQ(noise_level(0).alpha, 1.0);
  EXPECT_EQ(noise_level(0).sigma, 0.0);
  EXPECT_NEAR(noise_level(1).alpha, 0.0, 1e-16);
  EXPECT_NEAR(noise_level(0.5).ratio(), 1.0, 4e-16);
  for (int i = 1; i < 100; ++i) {
    EXPECT_GT(noise_level(i / 100.0).ratio(), noise_level((i - 1) / 100.0).ratio());
  }
}

TEST(ScheduleTest, TimeOfInvertsTheRatio) {
  for (int i = 1; i < 100; ++i) {
    EXPECT_NEAR(time_of(noise_level(i / 100.0).ratio()), i / 100.0, 1e-15);
  }
}

TEST(ScheduleTest, PictureFollowsFromNoisyAndVelocity) {
  for (int i = 0; i <= 10; ++i) {
    const auto level = noise_level(i / 10.0);
    const auto alpha = static_cast<float>(level.alpha), sigma = static_cast<float>(level.sigma);
    const float x0 = 0.75F, eps = -1.25F;
    const float noisy = alpha * x0 + sigma * eps;
    EXPECT_NEAR(picture(alpha, sigma, noisy, velocity(alpha, sigma, eps, x0)), x0, 4e-7F);
  }
}

}  // namespace
}  // namespace calx::diffusion
