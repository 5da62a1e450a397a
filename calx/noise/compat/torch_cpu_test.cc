// Goal: the values that torch 1.13 draws on a CPU, with every trap of its generator.
// Method: vector tests; the numbers were printed by libtorch 1.13 (python3-torch of Debian 12).
#include "calx/noise/compat/torch_cpu.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <numeric>
#include <vector>

#include "calx/noise/half.h"

namespace calx::noise::compat {
namespace {

constexpr double kTolerance = 2e-6;

std::vector<float> randn(std::uint64_t seed, std::size_t count) {
  std::vector<float> out(count);
  TorchCpu(seed).randn(out);
  return out;
}

void expect_start(const std::vector<float>& values, const std::vector<std::uint32_t>& bits) {
  for (std::size_t i = 0; i < bits.size(); ++i) {
    EXPECT_NEAR(values[i], std::bit_cast<float>(bits[i]), kTolerance) << i;
  }
}

TEST(TorchCpuTest, TheTwisterGivesTorchsWords) {
  TorchCpu generator(42);
  for (const std::uint32_t word : {0x5fe1dc66u, 0xcbea3db3u, 0xf362035cu, 0x2ef5950eu, 0xbb63f46au,
                                   0xc799d447u, 0x9941aebcu, 0x98cb2c14u}) {
    EXPECT_EQ(generator.word(), word);
  }
}

TEST(TorchCpuTest, ALatentOfStableDiffusionIsTorchs) {
  const auto zero = randn(0, 16384);
  expect_start(zero, {0xbf901b85, 0xbf93808a, 0xbe804bd6, 0xbede255d, 0x3f594515, 0x3f312783,
                      0xbea1cc6d, 0xc0075fc1});
  EXPECT_NEAR(zero.back(), std::bit_cast<float>(0xbf8a02b8u), kTolerance);
  const auto answer = randn(42, 16384);
  expect_start(answer, {0x3ff6a529, 0x3fbe5f53, 0x3f669567, 0xc006c0db, 0x3f2dacd5, 0xbf9e0591,
                        0xbd306786, 0xbfcd65ba});
  EXPECT_NEAR(answer.back(), -0.293406099, kTolerance);
  EXPECT_NEAR(std::accumulate(answer.begin(), answer.end(), 0.0), 149.764816, 2e-3);
}

TEST(TorchCpuTest, OnlyTheLow32BitsOfTheSeedCount) {
  EXPECT_EQ(randn((1ull << 32) + 42, 16), randn(42, 16));
}

TEST(TorchCpuTest, TheNextCallAndTheNextImageContinueTheStream) {
  TorchCpu generator(42);
  std::vector<float> out(16);
  generator.randn(out);
  generator.randn(out);
  EXPECT_NEAR(out[0], 1.64231694, kTolerance);
  EXPECT_NEAR(randn(42, 2 * 16384)[16384], -1.30465865, kTolerance);
}

TEST(TorchCpuTest, ACountThatIsNoMultipleOf16RedrawsTheLast16) {
  const auto twenty = randn(42, 20);
  expect_start(twenty, {0x3ff6a529, 0x3fbe5f53, 0x3f669567, 0xc006c0db});
  const double last[] = {-0.758131146, 1.07831764, 0.800800562, 1.68062055};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(twenty[4 + i], last[i], kTolerance);
  EXPECT_NEAR(randn(42, 35).back(), 0.049905385822057724, kTolerance);
}

TEST(TorchCpuTest, FewerThan16ValuesTakeThePathOfPairs) {
  const auto fifteen = randn(42, 15);
  const double first[] = {0.336690366, 0.128809407, 0.234462366, 0.23033303};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(fifteen[i], first[i], kTolerance);
  EXPECT_NEAR(fifteen.back(), -0.9889599084854126, kTolerance);
}

TEST(TorchCpuTest, TheSecondValueOfAPairWaitsForTheNextSmallCall) {
  TorchCpu generator(42);
  std::vector<float> five(5), four(4), sixteen(16);
  generator.randn(five);
  generator.randn(four);
  EXPECT_NEAR(four[0], -0.1863, 5e-5);
  EXPECT_NEAR(four[1], 2.2082, 5e-5);
  TorchCpu other(42);
  other.randn(five);
  other.randn(sixteen);
  other.randn(four);
  EXPECT_NEAR(sixteen[0], -0.2483, 5e-5);
  EXPECT_NEAR(four[0], -0.1863, 5e-5);
  EXPECT_NEAR(four[1], -0.9890, 5e-5);
}

TEST(TorchCpuTest, DoubleDrawsOtherValues) {
  std::vector<double> out(20);
  TorchCpu(42).randn(out);
  EXPECT_NEAR(out[0], 0.2995562877502637, 1e-14);
  EXPECT_NEAR(out[1], 0.24237779080894106, 1e-14);
  EXPECT_NEAR(out[19], -0.33113931395169954, 1e-14);
  TorchCpu(42).randn(std::span(out).first(5));
  EXPECT_NEAR(out[4], -1.1228563767381703, 1e-14);
}

TEST(TorchCpuTest, The16BitTypesDrawOtherValuesAgain) {
  std::array<std::uint16_t, 20> out{};
  TorchCpu(42).randn_float16(out);
  const double half[] = {0.38671875, 1.4716796875, 0.1468505859375, -1.119140625};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(from_float16(out[i]), half[i], 1e-3) << i;
  EXPECT_NEAR(from_float16(out[19]), 0.45068359375, 1e-3);
  TorchCpu(42).randn_bfloat16(out);
  const double bfloat[] = {-0.80859375, -1.53125, 0.40625, 0.171875};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(from_bfloat16(out[i]), bfloat[i], 8e-3) << i;
  EXPECT_NEAR(from_bfloat16(out[19]), -0.11279296875, 8e-3);
  TorchCpu(42).randn_float16(std::span(out).first(5));
  EXPECT_EQ(from_float16(out[4]), -1.123046875f);
}

}  // namespace
}  // namespace calx::noise::compat
