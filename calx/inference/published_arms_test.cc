// Goal: every arm is what its name says, and a pipeline that ignores its input is seen through.
// Method: pairs whose answer is known, identities between arms, counted parameters, provoked
// errors.
#include "calx/inference/published_arms.h"

#include <gtest/gtest.h>

#include <cmath>

#include "calx/noise/stream.h"
#include "calx/thermo/published_pair.h"

namespace calx::inference {
namespace {

constexpr std::size_t kUnits = 16;

std::vector<float> normals(std::uint64_t index, std::size_t count) {
  std::vector<float> values(count);
  EXPECT_TRUE(noise::Stream::open(noise::Seed(), "test", index)
                  ->normal({.columns = static_cast<std::uint32_t>(count)}, values));
  return values;
}

// d = mean + x / 2 channel by channel: everything about d can be told from x.
ChannelPairs pairs(std::uint64_t index, std::size_t count, float spread) {
  const auto mean = normals(0, kUnits);
  ChannelPairs p{kUnits, normals(index, count * kUnits), {}};
  for (std::size_t i = 0; i < p.x.size(); ++i) {
    p.x[i] *= spread;
    p.d.push_back(mean[i % kUnits] + 0.5F * p.x[i]);
  }
  return p;
}

DensePair pair(std::size_t rank = 4) {
  const auto source = thermo::philox_noise(noise::Seed());
  return *DensePair::of(*thermo::untrained_pair(kUnits, rank, *source));
}

TEST(PublishedArmsTest, InterfaceHasThePublishedNumberOfParameters) {
  const auto fit = pairs(1, 32, 1), test = pairs(2, 8, 1);
  InterfaceRecipe recipe{.bottleneck_steps = 2, .transfer_steps = 2};
  const auto biased = run_interface(pair(), fit, test, recipe);
  recipe.biases = false;
  const auto plain = run_interface(pair(), fit, test, recipe);
  ASSERT_TRUE(biased && plain);
  EXPECT_EQ(plain->parameters, 40 * kUnits);
  EXPECT_EQ(biased->parameters, 40 * kUnits + 4 + kUnits + 16 + kUnits);
}

TEST(PublishedArmsTest, ConsistentOracleIsPerfectAndTheConstantTellsNothing) {
  const auto fit = pairs(1, 64, 1), test = pairs(2, 16, 1);
  const auto scores = score_fixed(pair(), fit, test);
  ASSERT_TRUE(scores);
  EXPECT_NEAR(of(*scores, Arm::kConsistentOracle).published, 1, 1e-6);
  EXPECT_NEAR(of(*scores, Arm::kConsistentOracle).r2, 1, 1e-6);
  EXPECT_EQ(of(*scores, Arm::kConstant).deviation_cosine, 0);
  EXPECT_NEAR(of(*scores, Arm::kConstant).r2, 0, 0.2);
  EXPECT_LT(of(*scores, Arm::kOracle).r2, of(*scores, Arm::kConsistentOracle).r2);
}

// Identity: the folded arm is the pipeline at a coupling of nothing, and handing an output to
// another input leaves the published cosine of nearly equal targets where it was.
TEST(PublishedArmsTest, ShuffledOutputsPleaseThePublishedCosineWhenTargetsHardlyDiffer) {
  const auto fit = pairs(1, 128, 0.02F), test = pairs(2, 32, 0.02F);
  const auto modules = pair();
  const auto interface = run_interface(modules, fit, test, {});
  ASSERT_TRUE(interface);
  const auto scores = score_interface(modules, fit, test, *interface);
  ASSERT_TRUE(scores);
  const auto& full = of(*scores, Arm::kFull);
  const auto& shuffled = of(*scores, Arm::kShuffled);
  EXPECT_NEAR(full.published, shuffled.published, 1e-3);
  const auto folded = modules.decoder_alone(interface->bias.decoder);
  EXPECT_EQ(of(*scores, Arm::kFolded).raw, raw_cosine(folded, test.d, kUnits));
}

TEST(PublishedArmsTest, AnotherSeedIsAnotherInterface) {
  const auto fit = pairs(1, 32, 1), test = pairs(2, 8, 1);
  const auto run = [&](std::int64_t seed) {
    return run_interface(pair(), fit, test,
                         {.seed = noise::Seed::from_integer(seed), .bottleneck_steps = 3})
        ->bias.decoder;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

// Law: with b = (A x, B d) the decoder rests at d + (correction of the coupling); without a
// coupling at d. Ridge regression finds a linear law.
TEST(PublishedArmsTest, ShiftIsRelativeToTheTargetAndRegressionFindsALinearLaw) {
  const auto fit = pairs(1, 128, 1), test = pairs(2, 32, 1);
  const auto modules = pair();
  EXPECT_GT(shift_percent(modules, test), 1);
  EXPECT_LT(shift_percent(modules, test), 100);
  const auto r2 = ridge_r2(fit, test, 1e-6);
  ASSERT_TRUE(r2);
  EXPECT_GT(*r2, 0.999);
}

TEST(PublishedArmsTest, RefusesPairsOfOtherUnitsAndRanksBeyondThem) {
  const auto fit = pairs(1, 32, 1);
  ChannelPairs narrow{8, normals(1, 64), normals(2, 64)};
  EXPECT_EQ(run_interface(pair(), fit, narrow, {}).error().code, ErrorCode::kInvalidArgument);
  const auto network = nn::PublishedUNet::create({.width = 16, .side = 8}, noise::Seed());
  const auto gram = gram_source(*network, 16, 0.1);
  ASSERT_TRUE(gram);
  EXPECT_TRUE(gram->pair(16));
  EXPECT_EQ(gram->pair(17).error().code, ErrorCode::kInvalidArgument);
  const std::vector<double> signs(3, 1);
  EXPECT_EQ(gram->pair(4, true, signs).error().code, ErrorCode::kInvalidArgument);
}

// What the public code leaves to a library: same norms, another coupling.
TEST(PublishedArmsTest, SignsOfSingularVectorsMoveTheShiftButNoNorm) {
  const auto network = nn::PublishedUNet::create({.width = 16, .side = 8}, noise::Seed());
  const auto gram = gram_source(*network, 16, 0.1);
  ASSERT_TRUE(gram);
  const std::vector<double> same(4, 1), turned{1, -1, -1, 1};
  const auto plain = gram->pair(4), kept = gram->pair(4, true, same),
             other = gram->pair(4, true, turned);
  ASSERT_TRUE(plain && kept && other);
  const auto test = pairs(2, 32, 1);
  EXPECT_EQ(shift_percent(*plain, test), shift_percent(*kept, test));
  EXPECT_NE(shift_percent(*plain, test), shift_percent(*other, test));
  EXPECT_NEAR(other->spectra().coupling_norm, plain->spectra().coupling_norm, 1e-12);
  EXPECT_NEAR(other->spectra().coupling_frobenius, plain->spectra().coupling_frobenius, 1e-12);
}

}  // namespace
}  // namespace calx::inference
