// Goal: the pairs are spatial means of the right channels, whatever the pieces, and a kept answer
// is read back or refused. Method: the network's own activations summed by hand, inputs addressed
// by their place, planted damage.
#include "calx/inference/mean_activations.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <limits>

namespace calx::inference {
namespace {

constexpr nn::PublishedUNetConfig kTiny{.channels = 2, .width = 8, .side = 8};

TEST(MeanActivationsTest, AreMeansOverThePixelsOfTheFirstChannels) {
  const auto network = nn::PublishedUNet::create(kTiny, noise::Seed());
  const auto images = white_images(noise::Seed(), 0, 18, kTiny);
  ASSERT_TRUE(network && images);
  const auto pairs = mean_activations(*network, *images, 5, {}, {}, {});
  ASSERT_TRUE(pairs);
  EXPECT_EQ(pairs->count(), 18U);
  const auto seen = network->activations(*images);
  for (const std::size_t image : {0U, 17U}) {
    for (std::size_t k = 0; k < 5; ++k) {
      double x = 0, d = 0;
      for (std::size_t p = image * 64; p < (image + 1) * 64; ++p) {
        x += double{seen->encoder[p * 8 + k]} / 64;
        d += double{seen->decoder[p * 8 + k]} / 64;
      }
      EXPECT_NEAR(pairs->x[image * 5 + k], x, 1e-5);
      EXPECT_NEAR(pairs->d[image * 5 + k], d, 1e-5);
    }
  }
  const auto last = pairs->part(17, 1);
  EXPECT_EQ(last.x, std::vector<float>(pairs->x.end() - 5, pairs->x.end()));
}

TEST(MeanActivationsTest, AnInputDependsOnItsPlaceAlone) {
  const auto many = white_images(noise::Seed(), 0, 4, kTiny);
  const auto one = white_images(noise::Seed(), 3, 1, kTiny);
  EXPECT_TRUE(std::equal(one->begin(), one->end(), many->begin() + 3 * 128));
  const std::vector<float> pictures(2 * 64, 0.5F);
  const auto clean = noisy_images(pictures, 0, noise::Seed(), kTiny);
  EXPECT_EQ(*clean, std::vector<float>(2 * 128, 0.5F));
  const auto noisy = noisy_images(pictures, 0.1, noise::Seed(), kTiny);
  EXPECT_NE((*noisy)[0], (*noisy)[64]);  // each channel has its own noise
  EXPECT_FALSE(noisy_images(std::vector<float>(63), 0.1, noise::Seed(), kTiny));
}

TEST(MeanActivationsTest, AKeptAnswerIsReadBackAndADamagedOneRefused) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("calx-activations-" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  const auto network = nn::PublishedUNet::create(kTiny, noise::Seed());
  const auto images = white_images(noise::Seed(), 0, 3, kTiny);
  std::size_t calls = 0;
  const auto count = [&](const Progress&) { ++calls; };
  const auto first = mean_activations(*network, *images, 8, folder, count, {});
  ASSERT_TRUE(first);
  EXPECT_EQ(calls, 1U);
  const auto again = mean_activations(*network, *images, 8, folder, count, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(calls, 1U);
  EXPECT_EQ(again->d, first->d);
  const auto other = nn::PublishedUNet::create(kTiny, noise::Seed::from_integer(std::int64_t{1}));
  EXPECT_NE(mean_activations(*other, *images, 8, folder, count, {})->d, first->d);
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-4, std::ios::end);
    file.write("\xff\xff\xff\x7f", 4);
  }
  const auto damaged = mean_activations(*network, *images, 8, folder, {}, {});
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::kDataLoss);
  std::filesystem::remove_all(folder);
}

TEST(MeanActivationsTest, RefusesSizesAndBlocksThatCannotBeAndStops) {
  const auto network = nn::PublishedUNet::create(kTiny, noise::Seed());
  const auto images = *white_images(noise::Seed(), 0, 2, kTiny);
  const auto code = [&](std::span<const float> shown, std::size_t units) {
    return mean_activations(*network, shown, units, {}, {}, {}).error().code;
  };
  EXPECT_EQ(code(images, 9), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(images, 0), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(std::span(images).first(127), 8), ErrorCode::kInvalidArgument);
  auto poisoned = images;
  poisoned[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(code(poisoned, 8), ErrorCode::kInternal);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(mean_activations(*network, images, 8, {}, {}, stop.get_token()).error().code,
            ErrorCode::kCancelled);
  const auto weights = first_convolution(*network, "d1");
  ASSERT_TRUE(weights);
  EXPECT_EQ(weights->rows, 8U);
  EXPECT_EQ(weights->columns, 24U * 9);
  EXPECT_FALSE(first_convolution(*network, "e7"));
}

}  // namespace
}  // namespace calx::inference
