// Goal: the network of arXiv 2604.14332 has the published layers and is trained by Adam, and a run
// can be broken anywhere. Method: parameter counts of every block (vectors of the public code),
// the out layer by hand against the whole pass, a first step against Adam's closed form,
// bit-equality of broken and unbroken runs, provoked errors.
#include "calx/nn/published_unet.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "calx/nn/published_unet_trainer.h"
#include "calx/noise/stream.h"

namespace calx::nn {
namespace {

constexpr PublishedUNetConfig kTiny{.channels = 1, .width = 8, .side = 8};

std::vector<float> normals(std::uint64_t index, std::size_t count) {
  std::vector<float> values(count);
  const auto stream = noise::Stream::open(noise::Seed(), "test", index);
  noise::Region region;
  region.columns = static_cast<std::uint32_t>(count);
  EXPECT_TRUE(stream->normal(region, values));
  return values;
}

std::map<std::string, std::int64_t> counts_by_block(const PublishedUNet& network) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& parameter : network.parameters()) {
    counts[parameter.name.substr(0, parameter.name.find('.'))] +=
        static_cast<std::int64_t>(parameter.values.size());
  }
  return counts;
}

// Vector: the public code's own counts.
TEST(PublishedUNetTest, HasThePublishedParametersInEveryBlock) {
  const auto narrow = PublishedUNet::create({}, noise::Seed());
  ASSERT_TRUE(narrow);
  EXPECT_EQ(narrow->parameter_count(), 2'024'449);
  const std::map<std::string, std::int64_t> wanted{
      {"stem", 640},   {"e1", 74'112},  {"e2", 230'272}, {"bot", 919'296},
      {"d2", 639'872}, {"d1", 160'192}, {"out", 65}};
  EXPECT_EQ(counts_by_block(*narrow), wanted);
  const auto wide = PublishedUNet::create({.channels = 4, .width = 128}, noise::Seed());
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->parameter_count(), 8'091'396);
  const std::map<std::string, std::int64_t> wanted_wide{
      {"stem", 4'736},   {"e1", 295'680}, {"e2", 919'296}, {"bot", 3'673'600},
      {"d2", 2'557'696}, {"d1", 639'872}, {"out", 516}};
  EXPECT_EQ(counts_by_block(*wide), wanted_wide);
}

// Vector: python3-torch 1.13, the same modules in the same order after torch.manual_seed(42).
TEST(PublishedUNetTest, DrawsWhatAPythonProgramDrawsFromTheSameTorchSeed) {
  const auto network = PublishedUNet::create_as_torch({.channels = 1, .width = 8}, 42);
  ASSERT_TRUE(network);
  EXPECT_EQ(network->tensor("stem.weight")->values[0], 0.2548461854457855F);
  EXPECT_EQ(network->tensor("stem.weight")->values[1], 0.27666932344436646F);
  EXPECT_EQ(network->tensor("e1.conv1.weight")->values.back(), 0.09193941950798035F);
  EXPECT_EQ(network->tensor("d1.conv1.weight")->values[0], 0.03975848853588104F);
  EXPECT_EQ(network->tensor("out.bias")->values[0], 0.32272112369537354F);
}

// Law: uniform within +-1/sqrt(fan-in) has the variance 1 / (3 fan-in); norms start as identity.
TEST(PublishedUNetTest, FreshWeightsAndBiasesFollowTheDefaultLawOfTorch) {
  const auto network = PublishedUNet::create({}, noise::Seed());
  const auto weight = network->tensor("d1.conv2.weight"), bias = network->tensor("d1.conv2.bias");
  ASSERT_TRUE(weight && bias);
  EXPECT_EQ(weight->shape, (std::vector<std::int64_t>{64, 64, 3, 3}));
  const double bound = 1 / std::sqrt(64.0 * 9);
  double square = 0;
  for (const float value : weight->values) {
    EXPECT_LE(std::abs(value), bound);
    square += double{value} * double{value};
  }
  const auto n = static_cast<double>(weight->values.size());
  // Five standard errors of the mean of a squared uniform value, sqrt(4 / 45 n) of the bound's.
  EXPECT_NEAR(square / n / (bound * bound), 1.0 / 3, 5 * std::sqrt(4.0 / 45 / n));
  float largest = 0;
  for (const float value : bias->values) largest = std::max(largest, std::abs(value));
  EXPECT_GT(largest, 0.8 * bound);
  EXPECT_LE(largest, bound);
  const auto gamma = network->tensor("e1.norm1.weight");
  EXPECT_EQ(gamma->values, std::vector<float>(64, 1.0F));
}

TEST(PublishedUNetTest, DecodedActivationsAreTheImageOfTheWholePass) {
  for (const int channels : {1, 4}) {
    const PublishedUNetConfig config{.channels = channels, .width = 16, .side = 8};
    const auto network = PublishedUNet::create(config, noise::Seed());
    const auto images = normals(1, 18 * static_cast<std::size_t>(channels) * 64);
    const auto seen = network->activations(images);
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->encoder.size(), 18U * 64 * 16);
    EXPECT_EQ(seen->upsampled.size(), 18U * 64 * 32);
    const auto decoded = network->decode(seen->decoder);
    ASSERT_TRUE(decoded);
    const auto image = network->forward(images);
    ASSERT_TRUE(image);
    EXPECT_EQ(*image, seen->image);
    ASSERT_EQ(decoded->size(), image->size());
    for (std::size_t i = 0; i < decoded->size(); ++i) {
      const std::size_t c = i % static_cast<std::size_t>(channels);
      const std::size_t pixel = i / static_cast<std::size_t>(channels);
      const std::size_t at =
          (pixel / 64 * static_cast<std::size_t>(channels) + c) * 64 + pixel % 64;
      EXPECT_NEAR((*decoded)[i], (*image)[at], 1e-5F);
    }
  }
}

// The second half of a batch must not see the first: GroupNorm is of each image alone.
TEST(PublishedUNetTest, AnImageDoesNotDependOnItsBatch) {
  const auto network = PublishedUNet::create(kTiny, noise::Seed());
  const auto images = normals(1, 20 * 64);
  const auto all = network->forward(images);
  const auto last = network->forward(std::span(images).subspan(19 * 64));
  ASSERT_TRUE(all && last);
  for (std::size_t i = 0; i < 64; ++i) EXPECT_NEAR((*all)[19 * 64 + i], (*last)[i], 1e-5F);
}

TEST(PublishedUNetTest, ReloadedWeightsGiveTheSameBits) {
  const auto network = PublishedUNet::create(kTiny, noise::Seed());
  const auto again = PublishedUNet::load(kTiny, network->parameters());
  ASSERT_TRUE(again);
  const auto images = normals(1, 3 * 64);
  EXPECT_EQ(*network->forward(images), *again->forward(images));
}

TEST(PublishedUNetTest, RefusesShapesAndWeightsThatDoNotFit) {
  const noise::Seed seed;
  using Code = ErrorCode;
  EXPECT_EQ(PublishedUNet::create({.channels = 0}, seed).error().code, Code::kInvalidArgument);
  EXPECT_EQ(PublishedUNet::create({.width = 60}, seed).error().code, Code::kInvalidArgument);
  EXPECT_EQ(PublishedUNet::create({.side = 30}, seed).error().code, Code::kInvalidArgument);
  const auto network = PublishedUNet::create(kTiny, seed);
  const std::vector<float> short_image(63), no_images;
  EXPECT_EQ(network->forward(short_image).error().code, Code::kInvalidArgument);
  EXPECT_EQ(network->activations(no_images).error().code, Code::kInvalidArgument);
  EXPECT_EQ(network->decode(short_image).error().code, Code::kInvalidArgument);
  EXPECT_EQ(network->tensor("e9.weight").error().code, Code::kInvalidArgument);
  auto parameters = network->parameters();
  EXPECT_EQ(PublishedUNet::load({.width = 16, .side = 8}, parameters).error().code,
            Code::kDataLoss);
  parameters[3].values[2] = std::numeric_limits<float>::quiet_NaN();
  const auto poisoned = PublishedUNet::load(kTiny, parameters);
  ASSERT_FALSE(poisoned);
  EXPECT_EQ(poisoned.error().code, Code::kDataLoss);
  EXPECT_NE(poisoned.error().message.find(parameters[3].name), std::string::npos);
  parameters = network->parameters();
  parameters[0].values.pop_back();
  EXPECT_EQ(PublishedUNet::load(kTiny, parameters).error().code, Code::kDataLoss);
}

// Law: Adam's first step moves a weight by rate g / (|g| + eps), whatever the size of g.
TEST(PublishedUNetTrainerTest, FirstStepMovesEveryWeightByTheRate) {
  auto trainer = PublishedUNetTrainer::create(kTiny, noise::Seed());
  ASSERT_TRUE(trainer);
  const auto before = trainer->state();
  ASSERT_TRUE(trainer->step(normals(1, 4 * 64), normals(2, 4 * 64), 1e-3));
  const auto after = trainer->state();
  EXPECT_EQ(after.steps, 1);
  std::size_t moved = 0, all = 0;
  for (std::size_t k = 0; k < before.weights.size(); ++k) {
    for (std::size_t i = 0; i < before.weights[k].values.size(); ++i) {
      const float step = std::abs(after.weights[k].values[i] - before.weights[k].values[i]);
      EXPECT_LT(step, 1.001e-3F);
      if (step > 0.99e-3F) ++moved;
      ++all;
    }
  }
  EXPECT_GT(moved, all / 2);
}

TEST(PublishedUNetTrainerTest, LossFallsAndWithoutARateItDoesNot) {
  const auto noisy = normals(1, 4 * 64);
  std::vector<float> clean(noisy.size());
  for (std::size_t i = 0; i < clean.size(); ++i) clean[i] = 0.5F * noisy[i] + 0.25F;
  const auto losses = [&](double rate) {
    auto trainer = PublishedUNetTrainer::create(kTiny, noise::Seed());
    std::vector<float> curve;
    for (int i = 0; i < 40; ++i) curve.push_back(*trainer->step(noisy, clean, rate));
    return curve;
  };
  const auto learning = losses(3e-3), still = losses(0);
  EXPECT_EQ(still.front(), still.back());
  EXPECT_EQ(still.front(), learning.front());
  EXPECT_LT(learning.back(), 0.5F * learning.front());
}

TEST(PublishedUNetTrainerTest, ResumedRunGivesTheBitsOfAnUnbrokenOne) {
  const auto run = [](PublishedUNetTrainer& trainer, std::uint64_t first, std::uint64_t end) {
    for (std::uint64_t i = first; i < end; ++i) {
      EXPECT_TRUE(trainer.step(normals(2 * i, 4 * 64), normals(2 * i + 1, 4 * 64), 1e-3));
    }
  };
  auto whole = PublishedUNetTrainer::create(kTiny, noise::Seed());
  run(*whole, 0, 5);
  auto first = PublishedUNetTrainer::create(kTiny, noise::Seed());
  run(*first, 0, 2);
  auto second = PublishedUNetTrainer::resume(kTiny, first->state());
  ASSERT_TRUE(second);
  EXPECT_EQ(first->state(), second->state());
  run(*second, 2, 5);
  EXPECT_EQ(whole->state(), second->state());
  const auto network = second->network();
  ASSERT_TRUE(network);
  EXPECT_EQ(network->parameters(), whole->state().weights);
}

TEST(PublishedUNetTrainerTest, RefusesBatchesAndStatesThatDoNotFit) {
  auto trainer = PublishedUNetTrainer::create(kTiny, noise::Seed());
  const auto before = trainer->state();
  const auto noisy = normals(1, 4 * 64);
  auto clean = noisy;
  clean[5] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(trainer->step(noisy, clean, 1e-3).error().code, ErrorCode::kInternal);
  EXPECT_EQ(trainer->state(), before);
  clean.pop_back();
  EXPECT_EQ(trainer->step(noisy, clean, 1e-3).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(trainer->step(noisy, noisy, -1).error().code, ErrorCode::kInvalidArgument);
  auto state = before;
  state.moment2[1].values[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(PublishedUNetTrainer::resume(kTiny, state).error().code, ErrorCode::kDataLoss);
  state.moment2.pop_back();
  EXPECT_EQ(PublishedUNetTrainer::resume(kTiny, state).error().code, ErrorCode::kDataLoss);
}

}  // namespace
}  // namespace calx::nn
