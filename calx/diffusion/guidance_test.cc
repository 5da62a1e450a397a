// Goal: guidance is the stated line through two predictions, and 1 is no guidance.
// Method: parity with the two predictions taken from the network by hand.
#include "calx/diffusion/guidance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "calx/diffusion/example_network.h"

namespace calx::diffusion {
namespace {

constexpr std::size_t kPixels = std::size_t{kDigitSide} * kDigitSide;

std::vector<float> latent() {
  std::vector<float> values(kPixels);
  EXPECT_TRUE(draw_noise(noise::Seed(), "init", kDigitSide, values));
  return values;
}

std::vector<float> denoised(const nn::UNet& network, std::int32_t digit, float guidance, double t) {
  std::vector<float> out(kPixels);
  EXPECT_TRUE(GuidedDenoiser(network, digit, guidance).denoise(latent(), t, out));
  return out;
}

std::vector<float> predicted(const nn::UNet& network, std::int32_t digit, double t) {
  std::vector<float> v(kPixels);
  const std::vector<float> times{static_cast<float>(t)};
  const std::vector<std::int32_t> classes{digit};
  EXPECT_TRUE(network.forward(latent(), times, classes, v));
  return v;
}

TEST(GuidanceTest, IsTheLineThroughClassAndNoClass) {
  const auto network = example_network();
  const auto x = latent();
  const auto with = predicted(network, 4, 0.5), without = predicted(network, 10, 0.5);
  const auto level = noise_level(0.5);
  for (const float guidance : {0.0F, 1.0F, 1.5F, 3.0F}) {
    const auto out = denoised(network, 4, guidance, 0.5);
    for (std::size_t i = 0; i < kPixels; ++i) {
      const double v = without[i] + guidance * (with[i] - without[i]);
      const double x0 = std::clamp(level.alpha * x[i] - level.sigma * v, -1.0, 1.0);
      ASSERT_NEAR(out[i], x0, 2e-5) << "guidance " << guidance << " pixel " << i;
    }
  }
}

TEST(GuidanceTest, ChangesThePictureOnlyWhenItIsNotOne) {
  const auto network = example_network();
  EXPECT_NE(denoised(network, 4, 2.0F, 0.5), denoised(network, 4, 1.0F, 0.5));
  EXPECT_NE(denoised(network, 4, 1.0F, 0.5), denoised(network, 5, 1.0F, 0.5));
}

TEST(GuidanceTest, HoldsPicturesInRange) {
  const auto out = denoised(example_network(), 1, 50.0F, 0.9);
  EXPECT_GE(*std::ranges::min_element(out), -1.0F);
  EXPECT_LE(*std::ranges::max_element(out), 1.0F);
}

}  // namespace
}  // namespace calx::diffusion
