// Goal: a training step is AdamW with clipping and a running mean, and a run can be broken
// anywhere. Method: the first step against its closed form, bit-equality of broken and unbroken
// runs, a falling loss beside a control that does not learn, provoked errors.
#include "calx/nn/unet_trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "calx/noise/stream.h"

namespace calx::nn {
namespace {

UNetConfig tiny(float dropout = 0.0F) {
  UNetConfig config;
  config.side = 8;
  config.widths = {8};
  config.classes = 2;
  config.embedding = 8;
  config.dropout = dropout;
  return config;
}

struct Inputs {
  std::vector<float> noisy = std::vector<float>(4 * 64);
  std::vector<float> target = std::vector<float>(4 * 64);
  std::vector<float> times{0.1F, 0.3F, 0.6F, 0.9F}, weights{1, 1, 1, 1};
  std::vector<std::int32_t> classes{0, 1, 2, 0};

  explicit Inputs(std::uint64_t index) {
    const auto stream = noise::Stream::open(noise::Seed(), "test", index);
    noise::Region region;
    region.columns = 4 * 64;
    EXPECT_TRUE(stream->normal(region, noisy));
    for (std::size_t i = 0; i < target.size(); ++i) target[i] = 0.5F * noisy[i] + 0.25F;
  }
  [[nodiscard]] TrainingBatch batch() const { return {noisy, times, classes, target, weights}; }
};

bool equal(const TrainerState& a, const TrainerState& b) {
  return a.steps == b.steps && a.weights == b.weights && a.mean == b.mean &&
         a.moment1 == b.moment1 && a.moment2 == b.moment2;
}

// Law: AdamW's first step is w (1 - rate decay) - rate g / (|g| + eps sqrt(...)): every element
// with a gradient well above eps = 1e-8 moves by the rate.
TEST(UNetTrainerTest, FirstStepIsAdamWInClosedForm) {
  const Inputs in(1);
  auto trainer = UNetTrainer::create(tiny(), noise::Seed());
  ASSERT_TRUE(trainer);
  const auto before = trainer->state();
  const auto gradient = trainer->gradient(in.batch());
  OptimizerSettings settings;
  settings.learning_rate = 1e-3;
  settings.weight_decay = 0.1;
  settings.ema_decay = 0.75;
  ASSERT_TRUE(trainer->step(in.batch(), settings));
  const auto after = trainer->state();
  EXPECT_EQ(after.steps, 1);
  std::size_t compared = 0;
  for (std::size_t k = 0; k < before.weights.size(); ++k) {
    for (std::size_t i = 0; i < before.weights[k].values.size(); ++i) {
      const float w = before.weights[k].values[i], g = (*gradient)[k].values[i];
      const float now = after.weights[k].values[i];
      if (std::abs(g) > 1e-4F) {
        EXPECT_NEAR(now, w * (1 - 1e-4F) - std::copysign(1e-3F, g), 2e-6F);
        ++compared;
      }
      EXPECT_NEAR(after.mean[k].values[i], 0.75F * w + 0.25F * now, 1e-6F);
    }
  }
  EXPECT_GT(compared, 100U);
}

void expect_exact_resumption(float dropout) {
  auto whole = UNetTrainer::create(tiny(dropout), noise::Seed());
  ASSERT_TRUE(whole);
  for (std::uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(whole->step(Inputs(i).batch(), {}));
  auto first = UNetTrainer::create(tiny(dropout), noise::Seed());
  for (std::uint64_t i = 0; i < 2; ++i) ASSERT_TRUE(first->step(Inputs(i).batch(), {}));
  auto second = UNetTrainer::resume(tiny(dropout), first->state());
  ASSERT_TRUE(second);
  EXPECT_TRUE(equal(first->state(), second->state()));
  for (std::uint64_t i = 2; i < 5; ++i) ASSERT_TRUE(second->step(Inputs(i).batch(), {}));
  EXPECT_TRUE(equal(whole->state(), second->state()));
}

TEST(UNetTrainerTest, ResumedRunGivesTheBitsOfAnUnbrokenOne) { expect_exact_resumption(0.0F); }

TEST(UNetTrainerTest, ResumptionIsExactWithDropoutToo) { expect_exact_resumption(0.3F); }

TEST(UNetTrainerTest, LossFallsAndWithoutARateItDoesNot) {
  const Inputs in(1);
  const auto loss_after = [&](double rate) {
    auto trainer = UNetTrainer::create(tiny(), noise::Seed());
    OptimizerSettings settings;
    settings.learning_rate = rate;
    for (int i = 0; i < 30; ++i) EXPECT_TRUE(trainer->step(in.batch(), settings));
    return *trainer->loss(in.batch());
  };
  const float untouched = loss_after(0.0);
  EXPECT_EQ(untouched, *UNetTrainer::create(tiny(), noise::Seed())->loss(in.batch()));
  EXPECT_LT(loss_after(3e-3), 0.5F * untouched);
}

TEST(UNetTrainerTest, MeanNetworkCarriesTheMeanWeights) {
  auto trainer = UNetTrainer::create(tiny(), noise::Seed());
  ASSERT_TRUE(trainer->step(Inputs(1).batch(), {}));
  const auto network = trainer->mean_network();
  ASSERT_TRUE(network);
  EXPECT_EQ(network->parameters(), trainer->state().mean);
  EXPECT_NE(network->parameters(), trainer->state().weights);
}

TEST(UNetTrainerTest, LossThatIsNotFiniteLeavesTheWeightsAlone) {
  auto trainer = UNetTrainer::create(tiny(), noise::Seed());
  const auto before = trainer->state();
  Inputs in(1);
  in.target[5] = std::numeric_limits<float>::infinity();
  const auto loss = trainer->step(in.batch(), {});
  ASSERT_FALSE(loss);
  EXPECT_EQ(loss.error().code, ErrorCode::kInternal);
  EXPECT_TRUE(equal(trainer->state(), before));
}

TEST(UNetTrainerTest, RefusesBatchesAndStatesThatDoNotFit) {
  auto trainer = UNetTrainer::create(tiny(), noise::Seed());
  Inputs in(1);
  in.weights.pop_back();
  EXPECT_EQ(trainer->step(in.batch(), {}).error().code, ErrorCode::kInvalidArgument);
  auto state = trainer->state();
  state.moment2.pop_back();
  EXPECT_EQ(UNetTrainer::resume(tiny(), state).error().code, ErrorCode::kDataLoss);
}

}  // namespace
}  // namespace calx::nn
