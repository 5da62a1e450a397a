// Goal: a substrate taught by noising trajectories samples the law it was taught, and small
// pictures keep what they show.
// Method: law on data that is Gaussian, where a schedule of quadratic couplings must return its
// mean and covariance and a single set cannot; a twin that starts hot; parity over threads; faults.
#include "calx/inference/generator.h"

#include <gmock/gmock.h>

#include <cmath>

#include "calx/thermo/noise_source.h"

namespace calx::inference {
namespace {

constexpr std::size_t kUnits = 4;

Noising example_noising() {
  return {.name = "quadratic", .j2 = 0.25, .step = 0.02, .steps = 400, .periods = 40};
}

GeneratorTask task_of(unsigned threads = 1) {
  return {.seed = noise::Seed::from_integer(std::int64_t{5}), .threads = threads};
}

// Normal values with strong correlations about means that are not 0.
std::vector<float> example_data(std::size_t count) {
  const auto source = thermo::philox_noise(noise::Seed());
  std::vector<std::uint32_t> words(count * kUnits);
  std::vector<float> x(count * kUnits);
  thermo::normals(*source, {.chains = static_cast<std::uint32_t>(count), .units = kUnits}, words,
                  x);
  for (std::size_t n = 0; n < count; ++n) {
    float* row = x.data() + n * kUnits;
    for (std::size_t i = 1; i < kUnits; ++i) row[i] = 0.9F * row[i - 1] + 0.4F * row[i];
    row[0] += 1;
    row[3] -= 0.5F;
  }
  return x;
}

TEST(GeneratorTest, ReturnsToTheGaussianItWasTaught) {
  const auto data = example_data(20'000);
  const auto fits = noise_pictures(data, kUnits, example_noising(), task_of()).value();
  const auto gap_of = [&](std::size_t sets) {
    const auto substrates = reversed_substrates(fits, sets).value();
    const auto made = generate(substrates, example_noising(), 20'000, 1000, task_of()).value();
    EXPECT_GT(made.heat_error, 0);
    return moment_gap(made.pictures, data, kUnits);
  };
  const MomentGap schedule = gap_of(40), few = gap_of(4), still = gap_of(1);
  // What is left: steps that are not short for the narrowest direction, and forty times, not all.
  EXPECT_LT(schedule.mean, 0.05);
  EXPECT_LT(schedule.covariance, 0.08);
  EXPECT_GT(few.covariance, schedule.covariance);
  EXPECT_GT(still.covariance, few.covariance);
}

TEST(GeneratorTest, DrawsTheGaussianOfEqualMoments) {
  const auto data = example_data(20'000);
  const auto drawn = gaussian_draws(data, kUnits, 20'000, noise::Seed()).value();
  const MomentGap gap = moment_gap(drawn, data, kUnits);
  EXPECT_LT(gap.mean, 0.03);
  EXPECT_LT(gap.covariance, 0.03);
}

TEST(GeneratorTest, MakesTheSameForAnyThreads) {
  const auto data = example_data(200);
  const auto substrates =
      reversed_substrates(noise_pictures(data, kUnits, example_noising(), task_of()).value(), 2)
          .value();
  const auto one = generate(substrates, example_noising(), 50, 20, task_of(1)).value();
  const auto two = generate(substrates, example_noising(), 50, 20, task_of(2)).value();
  EXPECT_EQ(one.pictures, two.pictures);
  EXPECT_EQ(one.heat, two.heat);
  // What is metered is the same run.
  EXPECT_EQ(generate(substrates, example_noising(), 50, 0, task_of()).value().pictures,
            one.pictures);
}

TEST(GeneratorTest, KeepsWhatASmallPictureShows) {
  diffusion::DigitSet digits;
  digits.pictures.assign(32 * 32, -1);
  digits.labels = {3};
  digits.pictures[2 * 32 + 2] = digits.pictures[2 * 32 + 3] = 1;  // half of the first small pixel
  digits.pictures[29 * 32 + 29] = 1;                              // a quarter of the last
  const auto small = small_pictures(digits, 9);
  ASSERT_EQ(small.size(), kSmallUnits);
  EXPECT_EQ(small.front(), 0);
  EXPECT_EQ(small.back(), -0.5);
  const auto grey = judged_pictures(small);
  ASSERT_EQ(grey.size(), 32u * 32);
  EXPECT_EQ(grey[2 * 32 + 2], 128);
  EXPECT_EQ(grey[3 * 32 + 3], 128);
  EXPECT_EQ(grey[29 * 32 + 29], 64);
  EXPECT_EQ(grey[0], 0);
  EXPECT_EQ(grey[2 * 32 + 4], 0);
}

TEST(GeneratorTest, RefusesWhatItCannotRun) {
  Noising noising = example_noising();
  EXPECT_FALSE(noise_pictures({}, kUnits, noising, task_of()));
  EXPECT_FALSE(gaussian_draws({}, kUnits, 1, noise::Seed()));
  EXPECT_FALSE(generate({}, noising, 1, 0, task_of()));
  const auto data = example_data(50);
  const auto fits = noise_pictures(data, kUnits, noising, task_of()).value();
  EXPECT_FALSE(reversed_substrates(fits, 3));
  noising.periods = 7;
  EXPECT_FALSE(noise_pictures(data, kUnits, noising, task_of()));
  std::stop_source stopped;
  stopped.request_stop();
  GeneratorTask task = task_of();
  task.stop = stopped.get_token();
  const auto cancelled = noise_pictures(data, kUnits, example_noising(), task);
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace calx::inference
