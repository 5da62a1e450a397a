// Goal: a batch is a function of the step alone, and what it claims to be.
// Method: steps in any order against each other; every picture once an epoch; shares within their
// standard errors; the algebra of velocity.
#include "calx/diffusion/training_batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "calx/diffusion/procedural_digits.h"
#include "calx/diffusion/schedule.h"

namespace calx::diffusion {
namespace {

constexpr std::size_t kPixels = std::size_t{kDigitSide} * kDigitSide;

const DigitSet& digits() {
  static const DigitSet set = std::move(*draw_digits(noise::Seed(), 50));
  return set;
}

BatchSource source(double class_dropout = 0.1, int shift = 0) {
  BatchSettings settings;
  settings.batch = 16;
  settings.class_dropout = class_dropout;
  settings.shift_pixels = shift;
  return std::move(*BatchSource::open(digits(), noise::Seed(), settings));
}

struct Copy {
  explicit Copy(const nn::TrainingBatch& batch)
      : noisy(batch.noisy.begin(), batch.noisy.end()),
        target(batch.target.begin(), batch.target.end()),
        times(batch.times.begin(), batch.times.end()),
        classes(batch.classes.begin(), batch.classes.end()) {}
  bool operator==(const Copy&) const = default;
  std::vector<float> noisy, target, times;
  std::vector<std::int32_t> classes;

  // x_0 = alpha x - sigma v.
  [[nodiscard]] std::vector<float> pictures() const {
    std::vector<float> out(noisy.size());
    for (std::size_t p = 0; p < out.size(); ++p) {
      const auto level = noise_level(static_cast<double>(times[p / kPixels]));
      out[p] = static_cast<float>(level.alpha * noisy[p] - level.sigma * target[p]);
    }
    return out;
  }
};

TEST(TrainingBatchTest, DependsOnTheStepAndNotOnWhatCameBefore) {
  auto forward = source(), backward = source();
  std::vector<Copy> a, b;
  for (int step = 0; step < 8; ++step) a.emplace_back(*forward.draw(step));
  for (int step = 7; step >= 0; --step) b.emplace_back(*backward.draw(step));
  std::ranges::reverse(b);
  EXPECT_EQ(a, b);
  EXPECT_NE(a[0], a[1]);
}

TEST(TrainingBatchTest, ShowsEveryPictureOnceAnEpoch) {
  auto batches = source();
  std::map<std::size_t, int> seen;
  std::size_t shown = 0;
  for (int step = 0; shown < 100; ++step) {  // two epochs of 50, batches cross the border
    const auto pictures = Copy(*batches.draw(step)).pictures();
    for (std::size_t i = 0; i < 16 && shown < 100; ++i, ++shown) {
      std::size_t best = 0;
      double best_distance = 1e9;
      for (std::size_t k = 0; k < digits().size(); ++k) {
        double distance = 0;
        for (std::size_t p = 0; p < kPixels; ++p) {
          distance += std::abs(pictures[i * kPixels + p] - digits().picture(k)[p]);
        }
        if (distance < best_distance) best_distance = distance, best = k;
      }
      EXPECT_LT(best_distance, 0.01);  // the velocity's algebra gives the picture back
      ++seen[best];
    }
  }
  EXPECT_EQ(seen.size(), 50U);
  for (const auto& [picture, times] : seen) EXPECT_EQ(times, 2) << picture;
}

TEST(TrainingBatchTest, TimesAreOneInEachStratum) {
  auto batches = source();
  for (int step = 0; step < 20; ++step) {
    const Copy batch(*batches.draw(step));
    for (std::size_t i = 0; i < 16; ++i) {
      EXPECT_GE(batch.times[i], static_cast<float>(i) / 16);
      EXPECT_LE(batch.times[i], static_cast<float>(i + 1) / 16);
    }
  }
}

// Law: n draws of share q hide n q classes within 4 sqrt(n q (1 - q)).
TEST(TrainingBatchTest, HidesTheStatedShareOfClasses) {
  for (const double share : {0.0, 0.1, 1.0}) {
    auto batches = source(share);
    int hidden = 0;
    for (int step = 0; step < 200; ++step) {
      hidden += static_cast<int>(std::ranges::count(batches.draw(step)->classes, kDigitClasses));
    }
    const double n = 200 * 16;
    EXPECT_NEAR(hidden, n * share, 4 * std::sqrt(n * share * (1 - share)) + 1e-9);
  }
}

TEST(TrainingBatchTest, NoiseHasUnitVariance) {
  auto batches = source();
  const Copy batch(*batches.draw(0));
  const auto pictures = batch.pictures();
  double squares = 0;
  for (std::size_t p = 0; p < pictures.size(); ++p) {
    const auto level = noise_level(static_cast<double>(batch.times[p / kPixels]));
    const double noise = level.sigma * batch.noisy[p] + level.alpha * batch.target[p];
    squares += noise * noise;
  }
  const double n = static_cast<double>(pictures.size());
  EXPECT_NEAR(squares / n, 1.0, 4 * std::sqrt(2 / n));
}

TEST(TrainingBatchTest, ShiftsMovePicturesWithoutChangingTheirInk) {
  auto still = source(0, 0), moved = source(0, 2);
  const auto a = Copy(*still.draw(0)).pictures(), b = Copy(*moved.draw(0)).pictures();
  int different = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    double ink_a = 0, ink_b = 0, distance = 0;
    for (std::size_t p = i * kPixels; p < (i + 1) * kPixels; ++p) {
      ink_a += a[p], ink_b += b[p], distance += std::abs(a[p] - b[p]);
    }
    EXPECT_NEAR(ink_a, ink_b, 0.05);
    different += distance > 1 ? 1 : 0;
  }
  EXPECT_GE(different, 10);  // 24 of 25 places move
}

TEST(TrainingBatchTest, RefusesSettingsOutOfRange) {
  const auto opens = [](auto change) {
    BatchSettings settings;
    change(settings);
    return BatchSource::open(digits(), noise::Seed(), settings).has_value();
  };
  EXPECT_TRUE(opens([](auto&) {}));
  EXPECT_FALSE(opens([](auto& s) { s.batch = 0; }));
  EXPECT_FALSE(opens([](auto& s) { s.class_dropout = 1.5; }));
  EXPECT_FALSE(opens([](auto& s) { s.shift_pixels = 9; }));
  EXPECT_FALSE(BatchSource::open(DigitSet{}, noise::Seed(), {}));
}

}  // namespace
}  // namespace calx::diffusion
