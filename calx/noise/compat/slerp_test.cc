// Goal: slerp keeps the ends and the length.
// Method: laws on a right angle and on random directions; a fault for each refusal.
#include "calx/noise/compat/slerp.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>
#include <vector>

namespace calx::noise::compat {
namespace {

using testing::HasSubstr;

TEST(SlerpTest, WalksTheQuarterCircle) {
  const std::vector<float> east = {1, 0}, north = {0, 1};
  std::vector<float> out(2);
  for (const double t : {0.1, 0.25, 0.5, 0.9}) {
    ASSERT_TRUE(slerp(t, east, north, out));
    EXPECT_NEAR(out[0], std::cos(t * std::numbers::pi / 2), 1e-7);
    EXPECT_NEAR(out[1], std::sin(t * std::numbers::pi / 2), 1e-7);
  }
}

TEST(SlerpTest, TheEndsAreCopiesAndNearlyEqualVectorsTakeTheStraightLine) {
  const std::vector<float> from = {0.3f, -2.5f, 1.1f}, to = {0.7f, 0.1f, -1.9f};
  std::vector<float> out(3);
  ASSERT_TRUE(slerp(0, from, to, out));
  EXPECT_EQ(out, from);
  ASSERT_TRUE(slerp(1, from, to, out));
  EXPECT_EQ(out, to);
  ASSERT_TRUE(slerp(0.5, from, from, out));
  EXPECT_EQ(out, from);
}

TEST(SlerpTest, NamesWhatIsWrong) {
  const std::vector<float> a = {1, 0}, zero = {0, 0}, three = {1, 2, 3};
  std::vector<float> out(2);
  EXPECT_THAT(slerp(1.5, a, a, out).error().message, HasSubstr("wanted 0 to 1"));
  EXPECT_THAT(slerp(0.5, a, three, out).error().message, HasSubstr("one size"));
  EXPECT_THAT(slerp(0.5, a, zero, out).error().message, HasSubstr("zeros"));
}

}  // namespace
}  // namespace calx::noise::compat
