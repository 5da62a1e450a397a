// Goal: a figure is only given for a kernel that works here.
// Method: law (a rate is positive) and fault tests; no figure is judged.
#include "calx/hash/speed.h"

#include <gmock/gmock.h>

#include "calx/hash/kernel_test_name.h"

namespace calx::hash {
namespace {

TEST(SpeedTest, GivesARateForEveryOperation) {
  const auto speed = measure_speed(*kernels().back(), std::chrono::milliseconds(1));
  ASSERT_TRUE(speed) << speed.error().message;
  EXPECT_THAT(speed->mega_per_second, testing::Each(testing::Gt(0.0)));
}

TEST(SpeedTest, RefusesAKernelThatTheCpuLacks) {
  Kernel kernel = *kernels().back();
  kernel.supported = []() noexcept { return false; };
  EXPECT_EQ(measure_speed(kernel, std::chrono::milliseconds(1)).error().code,
            ErrorCode::kUnimplemented);
}

TEST(SpeedTest, TimesNothingThatIsWrong) {
  Kernel kernel = *kernels().back();
  kernel.expand = [](const CounterRows& rows, std::uint32_t* words) noexcept {
    kernels().back()->expand(rows, words);
    words[0] ^= 1;
  };
  EXPECT_EQ(measure_speed(kernel, std::chrono::milliseconds(1)).error().code, ErrorCode::kDataLoss);
}

}  // namespace
}  // namespace calx::hash
