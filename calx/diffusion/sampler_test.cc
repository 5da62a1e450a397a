// Goal: every sampler solves the equation it claims to solve, to the order it claims.
// Method: pictures whose pixels are N(m, s^2) have a known denoiser and a known flow, so the
// samplers are compared with the exact answer; noise streams, errors and stops one by one.
#include "calx/diffusion/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace calx::diffusion {
namespace {

using testing::HasSubstr;

constexpr int kSide = 16;
constexpr std::size_t kPixels = std::size_t{kSide} * kSide;
constexpr double kMean = 0.3, kDeviation = 0.4;

// E[x_0 | x_t] for x_0 ~ N(m, s^2): m + s^2 alpha (x - alpha m) / (alpha^2 s^2 + sigma^2).
class GaussianDenoiser final : public Denoiser {
 public:
  Result<void> denoise(std::span<const float> noisy, double t,
                       std::span<float> picture) const override {
    const auto level = noise_level(t);
    const double variance = kDeviation * kDeviation;
    const double gain =
        variance * level.alpha / (level.alpha * level.alpha * variance + level.sigma * level.sigma);
    for (std::size_t i = 0; i < noisy.size(); ++i) {
      picture[i] = static_cast<float>(kMean + gain * (noisy[i] - level.alpha * kMean));
    }
    ++calls;
    return {};
  }
  mutable int calls = 0;
};

noise::Seed seed_of(int i) { return noise::Seed::from_integer(std::int64_t{i}); }

std::vector<float> sampled(std::string_view name, int steps, int seed = 0) {
  std::vector<float> image(kPixels);
  EXPECT_TRUE(sample(**find_sampler(name), GaussianDenoiser(), steps, seed_of(seed), kSide, image));
  return image;
}

// The flow maps the level set by level set: x_0 = m + s (x - alpha m) / sqrt(alpha^2 s^2 +
// sigma^2).
std::vector<double> exact(int seed) {
  std::vector<float> latent(kPixels);
  EXPECT_TRUE(draw_noise(seed_of(seed), "init", kSide, latent));
  const auto level = noise_level(kTimeFirst);
  const double spread =
      std::sqrt(level.alpha * level.alpha * kDeviation * kDeviation + level.sigma * level.sigma);
  std::vector<double> image;
  for (const float x : latent) {
    image.push_back(kMean + kDeviation * (x - level.alpha * kMean) / spread);
  }
  return image;
}

double error_at(std::string_view name, int steps) {
  const auto image = sampled(name, steps);
  const auto wanted = exact(0);
  double sum = 0;
  for (std::size_t i = 0; i < kPixels; ++i) sum += std::pow(image[i] - wanted[i], 2);
  return std::sqrt(sum / kPixels);
}

// Where the flow takes one pixel from time a to time b: level sets keep their place.
double flowed(double x, double a, double b) {
  const auto spread = [](NoiseLevel level) {
    return std::sqrt(level.alpha * level.alpha * kDeviation * kDeviation +
                     level.sigma * level.sigma);
  };
  const auto from = noise_level(a), to = noise_level(b);
  return to.alpha * kMean + spread(to) / spread(from) * (x - from.alpha * kMean);
}

// The rule alone, in double, from t = 0.8 to 0.2: inside, where steps in log(sigma / alpha) shrink
// with the step in t (at the ends a step of any rule is of first order).
double interior_error(std::string_view name, int steps) {
  const auto& sampler = **find_sampler(name);
  const double start = 1.7;
  double x = start, before = 0;
  for (int k = 0; k < steps; ++k) {
    const auto time = [&](int i) { return 0.8 - 0.6 * i / steps; };
    const auto from = noise_level(time(k)), to = noise_level(time(k + 1));
    const auto last = noise_level(time(k - 1));
    const double variance = kDeviation * kDeviation;
    const double gain =
        variance * from.alpha / (from.alpha * from.alpha * variance + from.sigma * from.sigma);
    const double now = kMean + gain * (x - from.alpha * kMean);
    const auto w = sampler.rule(k > 0 ? &last : nullptr, from, to);
    x = w.keep * x + w.denoised * now + w.previous * before;
    before = now;
  }
  return std::abs(x - flowed(start, 0.8, 0.2));
}

// Law: halving the step divides the error by 2 at first order and by 4 at second.
TEST(SamplerTest, DeterministicSamplersConvergeAtTheirOrder) {
  EXPECT_NEAR(interior_error("ddim", 100) / interior_error("ddim", 200), 2.0, 0.1);
  EXPECT_NEAR(interior_error("euler", 100) / interior_error("euler", 200), 2.0, 0.1);
  EXPECT_NEAR(interior_error("dpmpp-2m", 100) / interior_error("dpmpp-2m", 200), 4.0, 0.3);
  EXPECT_LT(error_at("ddim", 400), 0.01);
  EXPECT_LT(error_at("euler", 400), 0.02);
}

TEST(SamplerTest, SecondOrderBeatsFirstAtTwentySteps) {
  EXPECT_LT(error_at("dpmpp-2m", 20), 0.5 * error_at("ddim", 20));
  EXPECT_LT(error_at("dpmpp-2m", 20), 0.02);
}

// Law: with n pixels the mean has standard error s / sqrt(n) and the deviation s / sqrt(2n); four
// of each are allowed, and the O(1/steps) bias of an ancestral step on top.
TEST(SamplerTest, AncestralSamplerDrawsFromTheRightDistribution) {
  constexpr int kImages = 16;
  double sum = 0, squares = 0;
  for (int seed = 0; seed < kImages; ++seed) {
    for (const float x : sampled("euler-ancestral", 400, seed)) {
      sum += x;
      squares += static_cast<double>(x) * static_cast<double>(x);
    }
  }
  const double n = kImages * kPixels;
  const double mean = sum / n, deviation = std::sqrt(squares / n - mean * mean);
  EXPECT_NEAR(mean, kMean, 4 * kDeviation / std::sqrt(n));
  EXPECT_NEAR(deviation, kDeviation, 4 * kDeviation / std::sqrt(2 * n) + 0.01);
}

TEST(SamplerTest, OnlyTheAncestralSamplerForgetsItsLatent) {
  const auto correlation = [](std::string_view name) {
    std::vector<float> latent(kPixels);
    EXPECT_TRUE(draw_noise(seed_of(0), "init", kSide, latent));
    const auto image = sampled(name, 50);
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t i = 0; i < kPixels; ++i) {
      const double x = latent[i], y = image[i] - kMean;
      xy += x * y, xx += x * x, yy += y * y;
    }
    return xy / std::sqrt(xx * yy);
  };
  EXPECT_GT(correlation("ddim"), 0.99);
  EXPECT_GT(correlation("dpmpp-2m"), 0.99);
  EXPECT_LT(std::abs(correlation("euler-ancestral")), 0.5);
}

TEST(SamplerTest, AllEndOnTheDenoisedPictureAndAskOnceAStep) {
  for (const auto& sampler : samplers()) {
    SCOPED_TRACE(sampler.name);
    const GaussianDenoiser denoiser;
    std::vector<float> image(kPixels);
    ASSERT_TRUE(sample(sampler, denoiser, 7, seed_of(1), kSide, image));
    EXPECT_EQ(denoiser.calls, 7);
    const auto times = sampler.times(7);
    ASSERT_EQ(times.size(), 8U);
    EXPECT_NEAR(times.front(), kTimeFirst, 1e-12);
    EXPECT_EQ(times.back(), 0.0);
    for (std::size_t i = 1; i < times.size(); ++i) EXPECT_LT(times[i], times[i - 1]);
    const auto last = sampler.rule(nullptr, noise_level(times[6]), noise_level(0));
    EXPECT_EQ(last.keep, 0.0);
    EXPECT_EQ(last.denoised, 1.0);
    EXPECT_EQ(last.noise, 0.0);
  }
}

// Law: without a denoised part what is left of unit noise is again sigma of the next level.
TEST(SamplerTest, AncestralStepKeepsTheNoiseLevel) {
  const auto& sampler = **find_sampler("euler-ancestral");
  const auto times = sampler.times(12);
  for (std::size_t i = 0; i + 2 < times.size(); ++i) {
    const auto from = noise_level(times[i]), to = noise_level(times[i + 1]);
    const auto w = sampler.rule(nullptr, from, to);
    EXPECT_NEAR(w.keep * w.keep * from.sigma * from.sigma + w.noise * w.noise, to.sigma * to.sigma,
                1e-12);
    EXPECT_NEAR(w.keep * from.alpha + w.denoised, to.alpha, 1e-12);
  }
}

TEST(SamplerTest, EachStepDrawsFromItsOwnStream) {
  const auto& sampler = **find_sampler("euler-ancestral");
  std::vector<float> one(kPixels), init(kPixels), fresh(kPixels), denoised(kPixels);
  const GaussianDenoiser denoiser;
  ASSERT_TRUE(sample(sampler, denoiser, 2, seed_of(3), kSide, one));
  ASSERT_TRUE(draw_noise(seed_of(3), "init", kSide, init));
  ASSERT_TRUE(draw_noise(seed_of(3), "step/0", kSide, fresh));
  const auto times = sampler.times(2);
  ASSERT_TRUE(denoiser.denoise(init, times[0], denoised));
  const auto w = sampler.rule(nullptr, noise_level(times[0]), noise_level(times[1]));
  for (std::size_t i = 0; i < kPixels; ++i) {
    float value =
        static_cast<float>(w.keep) * init[i] + static_cast<float>(w.denoised) * denoised[i];
    value += static_cast<float>(w.noise) * fresh[i];
    init[i] = value;
  }
  ASSERT_TRUE(denoiser.denoise(init, times[1], denoised));
  EXPECT_EQ(one, denoised);
}

TEST(SamplerTest, RefusesUnknownNamesAndStepsOutOfRange) {
  EXPECT_THAT(find_sampler("heun").error().message, HasSubstr("ddim, euler, euler-ancestral"));
  std::vector<float> image(kPixels);
  for (const int steps : {0, -3, kSamplerStepsMax + 1}) {
    const auto result = sample(samplers()[0], GaussianDenoiser(), steps, seed_of(0), kSide, image);
    EXPECT_THAT(result.error().message, HasSubstr("steps " + std::to_string(steps)));
  }
  EXPECT_FALSE(sample(samplers()[0], GaussianDenoiser(), 1, seed_of(0), kSide + 1, image));
}

TEST(SamplerTest, StopsBetweenSteps) {
  std::stop_source stop;
  stop.request_stop();
  std::vector<float> image(kPixels);
  const auto result =
      sample(samplers()[0], GaussianDenoiser(), 5, seed_of(0), kSide, image, stop.get_token());
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace calx::diffusion
