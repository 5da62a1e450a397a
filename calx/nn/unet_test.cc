// Goal: the network is the function its header states, and says clearly what it cannot take.
// Method: laws of construction (zero start, round trip of weights, equal bits on many threads), the
// gradient against central differences, and one provoked error of each kind.
#include "calx/nn/unet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "calx/nn/threads.h"
#include "calx/nn/unet_trainer.h"
#include "calx/noise/stream.h"

namespace calx::nn {
namespace {

using testing::HasSubstr;

UNetConfig tiny() {
  UNetConfig config;
  config.side = 8;
  config.patch = 2;
  config.widths = {8, 16};
  config.classes = 3;
  config.embedding = 8;
  return config;
}

std::vector<float> normals(std::size_t count, std::uint64_t index) {
  std::vector<float> values(count);
  const auto stream = noise::Stream::open(noise::Seed(), "test", index);
  noise::Region region;
  region.columns = static_cast<std::uint32_t>(count);
  EXPECT_TRUE(stream->normal(region, values));
  return values;
}

// Fresh weights leave zeros where blocks end; a trained network has none.
Parameters shaken(const UNetConfig& config) {
  auto parameters = UNet::create(config, noise::Seed())->parameters();
  std::uint64_t index = 100;
  for (auto& parameter : parameters) {
    const auto values = normals(parameter.values.size(), index++);
    for (std::size_t i = 0; i < values.size(); ++i) parameter.values[i] += 0.2F * values[i];
  }
  return parameters;
}

struct Inputs {
  std::vector<float> noisy, times, target, weights;
  std::vector<std::int32_t> classes;

  explicit Inputs(std::size_t batch)
      : noisy(normals(batch * 64, 1)), target(normals(batch * 64, 2)), weights(batch, 1.0F) {
    for (std::size_t i = 0; i < batch; ++i) {
      times.push_back(static_cast<float>(i + 1) / static_cast<float>(batch + 1));
      classes.push_back(static_cast<std::int32_t>(i % 4));
    }
  }
  [[nodiscard]] TrainingBatch batch() const { return {noisy, times, classes, target, weights}; }
};

std::vector<float> run(const UNet& network, const Inputs& in) {
  std::vector<float> out(in.noisy.size());
  EXPECT_TRUE(network.forward(in.noisy, in.times, in.classes, out));
  return out;
}

TEST(UNetTest, FreshNetworkPredictsZeroVelocity) {
  const auto network = UNet::create(tiny(), noise::Seed());
  ASSERT_TRUE(network);
  EXPECT_THAT(run(*network, Inputs(3)), testing::Each(0.0F));
}

TEST(UNetTest, SameSeedGivesSameWeightsAndAnotherGivesOthers) {
  const auto a = UNet::create(tiny(), noise::Seed())->parameters();
  EXPECT_EQ(a, UNet::create(tiny(), noise::Seed())->parameters());
  EXPECT_NE(a, UNet::create(tiny(), noise::Seed::from_integer(std::int64_t{1}))->parameters());
}

TEST(UNetTest, DefaultNetworkHasTheStatedSize) {
  const auto network = UNet::create(UNetConfig{}, noise::Seed());
  ASSERT_TRUE(network);
  EXPECT_GE(network->parameter_count(), 500'000);
  EXPECT_LE(network->parameter_count(), 1'200'000);
}

TEST(UNetTest, WeightsRoundTripToTheSameBits) {
  const auto weights = shaken(tiny());
  const auto a = UNet::load(tiny(), weights);
  ASSERT_TRUE(a);
  EXPECT_EQ(a->parameters(), weights);
  auto reversed = weights;
  std::ranges::reverse(reversed);  // files keep another order than the network
  EXPECT_EQ(run(*a, Inputs(2)), run(*UNet::load(tiny(), reversed), Inputs(2)));
}

TEST(UNetTest, OutputDependsOnTimeAndClass) {
  const auto network = UNet::load(tiny(), shaken(tiny()));
  Inputs in(1);
  const auto first = run(*network, in);
  in.times[0] += 0.1F;
  EXPECT_NE(run(*network, in), first);
  in = Inputs(1);
  in.classes[0] = 2;
  EXPECT_NE(run(*network, in), first);
}

TEST(UNetTest, ImagesOfABatchDoNotMix) {
  const auto network = UNet::load(tiny(), shaken(tiny()));
  Inputs in(2);
  const auto before = run(*network, in);
  std::fill(in.noisy.begin() + 64, in.noisy.end(), 0.5F);
  const auto after = run(*network, in);
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + 64, after.begin()));
}

TEST(UNetTest, GivesTheSameBitsOnManyThreadsAtOnce) {
  const auto network = UNet::load(tiny(), shaken(tiny()));
  const Inputs in(2);
  std::vector<std::vector<float>> results(4);
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) {
      threads.emplace_back([&] {
        set_threads(1);
        for (int i = 0; i < 20; ++i) result = run(*network, in);
      });
    }
  }
  for (const auto& result : results) EXPECT_EQ(result, results[0]);
}

// Law: D(h) = (L(w + h d) - L(w - h d)) / 2h = g.d + O(h^2), so (4 D(h/2) - D(h)) / 3 is good to
// O(h^4). Along d = g / |g| the slope is |g|. A float loss carries a relative error of about 1e-6.
TEST(UNetTest, GradientAgreesWithCentralDifferencesForEveryTensor) {
  const Inputs in(2);
  const auto config = tiny();
  auto weights = shaken(config);
  const auto zeros = [&] {
    auto copy = weights;
    for (auto& parameter : copy) std::ranges::fill(parameter.values, 0.0F);
    return copy;
  }();
  const auto loss_at = [&](const Parameters& at) {
    const auto trainer = UNetTrainer::resume(config, {0, at, at, zeros, zeros});
    return static_cast<double>(*trainer->loss(in.batch()));
  };
  auto trainer = UNetTrainer::resume(config, {0, weights, weights, zeros, zeros});
  const auto gradient = trainer->gradient(in.batch());
  ASSERT_TRUE(gradient);
  const double loss = loss_at(weights);
  for (std::size_t k = 0; k < weights.size(); ++k) {
    SCOPED_TRACE(weights[k].name);
    const auto& g = (*gradient)[k].values;
    double norm = 0;
    for (const float x : g) norm += static_cast<double>(x) * static_cast<double>(x);
    norm = std::sqrt(norm);
    ASSERT_GT(norm, 0.0);  // every tensor takes part
    const auto difference = [&](double h) {
      auto plus = weights, minus = weights;
      for (std::size_t i = 0; i < g.size(); ++i) {
        const auto step = static_cast<float>(h * static_cast<double>(g[i]) / norm);
        plus[k].values[i] += step;
        minus[k].values[i] -= step;
      }
      return (loss_at(plus) - loss_at(minus)) / (2 * h);
    };
    const double h = std::min(0.02, 0.02 * loss / norm);
    const double slope = (4 * difference(h / 2) - difference(h)) / 3;
    EXPECT_NEAR(slope, norm, 0.005 * norm + 4e-6 * loss / h);
  }
}

TEST(UNetTest, RefusesImpossibleShapes) {
  const auto error_of = [](auto change) {
    auto config = tiny();
    change(config);
    const auto result = UNet::create(config, noise::Seed());
    return result ? std::string("accepted") : result.error().message;
  };
  EXPECT_THAT(error_of([](auto& c) { c.widths = {12}; }), HasSubstr("width 12"));
  EXPECT_THAT(error_of([](auto& c) { c.widths = {}; }), HasSubstr("levels 0"));
  EXPECT_THAT(error_of([](auto& c) { c.side = 10; }), HasSubstr("side 10"));
  EXPECT_THAT(error_of([](auto& c) { c.patch = 0; }), HasSubstr("patch 0"));
  EXPECT_THAT(error_of([](auto& c) { c.classes = 0; }), HasSubstr("classes 0"));
  EXPECT_THAT(error_of([](auto& c) { c.blocks = 9; }), HasSubstr("blocks 9"));
  EXPECT_THAT(error_of([](auto& c) { c.embedding = 1; }), HasSubstr("embedding 1"));
  EXPECT_THAT(error_of([](auto& c) { c.dropout = 1.0F; }), HasSubstr("dropout"));
}

TEST(UNetTest, NamesTheTensorThatDoesNotFit) {
  auto weights = UNet::create(tiny(), noise::Seed())->parameters();
  auto missing = weights;
  missing.pop_back();
  EXPECT_EQ(UNet::load(tiny(), missing).error().code, ErrorCode::kDataLoss);
  auto renamed = weights;
  renamed[0].name = "other";
  EXPECT_THAT(UNet::load(tiny(), renamed).error().message, HasSubstr(weights[0].name));
  auto reshaped = weights;
  std::ranges::reverse(reshaped[0].shape);
  EXPECT_THAT(UNet::load(tiny(), reshaped).error().message, HasSubstr(weights[0].name));
}

TEST(UNetTest, RefusesWrongSizesAndClasses) {
  const auto network = UNet::create(tiny(), noise::Seed());
  Inputs in(2);
  std::vector<float> out(in.noisy.size());
  in.classes[1] = 4;
  EXPECT_THAT(network->forward(in.noisy, in.times, in.classes, out).error().message,
              HasSubstr("class 4"));
  in.classes[1] = 0;
  EXPECT_FALSE(network->forward(std::span(in.noisy).first(65), in.times, in.classes, out));
  EXPECT_FALSE(network->forward(in.noisy, in.times, in.classes, std::span(out).first(64)));
  EXPECT_FALSE(network->forward({}, {}, {}, {}));
}

}  // namespace
}  // namespace calx::nn
