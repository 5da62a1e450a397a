// Goal: the rival's noise is the rival's: LibTorch's own generator, a stream of its own each seed.
// Method: parity with the model of torch's CPU generator in noise/compat, whose vectors were taken
// from torch itself; the global generator must not move.
#include "calx/nn/torch_noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "calx/noise/compat/torch_cpu.h"

namespace calx::nn {
namespace {

TEST(TorchNoiseTest, AgreesWithTheModelOfTorchsGenerator) {
  for (const std::uint64_t seed :
       {std::uint64_t{0}, std::uint64_t{42}, std::uint64_t{4294967295}}) {
    std::vector<float> got(1024), want(1024);
    ASSERT_TRUE(torch_normal(seed, got));
    noise::compat::TorchCpu(seed).randn(std::span<float>(want));
    for (std::size_t i = 0; i < got.size(); ++i) {
      ASSERT_NEAR(got[i], want[i], 2e-6 * std::max(1.0F, std::abs(want[i]))) << seed << ' ' << i;
    }
  }
}

TEST(TorchNoiseTest, DrawsTheSameForOneSeedAndOtherwiseForAnother) {
  std::vector<float> a(64), b(64), c(64);
  ASSERT_TRUE(torch_normal(7, a));
  ASSERT_TRUE(torch_normal(7, b));
  ASSERT_TRUE(torch_normal(8, c));
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

}  // namespace
}  // namespace calx::nn
