// Goal: what stands in for the block is the substrate of the fit, and its controls are what they
// say.
// Method: an example network; the mean against thermo's own bias and solve and against the folded
// map; snapshots against the residual covariance; one step undone by hand; bits across batches;
// statistics merged against all pairs at once; errors provoked.
#include "calx/inference/substrate_block.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "calx/diffusion/guidance.h"
#include "calx/diffusion/sampler.h"
#include "calx/inference/batch_sampler.h"
#include "calx/inference/example_study.h"
#include "calx/noise/stream.h"
#include "calx/thermo/conditioning.h"
#include "calx/thermo/stiffness.h"

namespace calx::inference {
namespace {

using testing::HasSubstr;

std::vector<float> normals(std::size_t count, std::uint64_t index) {
  std::vector<float> values(count);
  noise::Region region;
  region.columns = static_cast<std::uint32_t>(count);
  EXPECT_TRUE(noise::Stream::open(noise::Seed(), "test", index)->normal(region, values));
  return values;
}

BlockFits fits_of(const BlockStatistics& statistics, const BlockFitPlan& plan) {
  auto fits = fit_block(statistics, plan);
  EXPECT_TRUE(fits) << fits.error().message;
  return std::move(*fits);
}

std::vector<hash::Digest> seeds(std::size_t count) {
  std::vector<hash::Digest> out(count);
  for (std::size_t i = 0; i < count; ++i) out[i].fill(static_cast<std::uint8_t>(i + 1));
  return out;
}

TEST(SubstrateBlockTest, MeanIsWhatTheSubstrateRestsAt) {
  const auto network = diffusion::example_network();
  const auto fits = fits_of(example_statistics(network), {.rank = 3});
  const auto machines = BlockMachines::of(fits);
  ASSERT_TRUE(machines);
  constexpr std::size_t kPixels = 5, kStep = 1;
  const auto in = normals(kPixels * fits.shape.in(), 1);
  std::vector<float> out(kPixels * fits.shape.out);
  machines->read(kStep, 0, Readout::kMean, in, {}, out);
  const thermo::Substrate& substrate = fits.fits[kStep][0].substrate;
  thermo::Conditioning clamps;
  clamps.clamps = thermo::Matrix(kPixels, fits.shape.in(), {in.begin(), in.end()});
  const auto bias = thermo::effective_bias(substrate, clamps, kPixels);
  ASSERT_TRUE(bias);
  const auto stiffness = thermo::Stiffness::of(substrate);
  for (std::size_t p = 0; p < kPixels; ++p) {
    const auto row = std::span(bias->values).subspan(p * fits.shape.out, fits.shape.out);
    const auto rest = stiffness->solve(row);
    ASSERT_TRUE(rest);
    for (std::size_t c = 0; c < fits.shape.out; ++c) {
      EXPECT_NEAR(out[p * fits.shape.out + c], (*rest)[c], 1e-5 * (1 + std::abs((*rest)[c])));
    }
  }
}

TEST(SubstrateBlockTest, MeanEqualsTheFoldedMapForEveryPlan) {
  const auto network = diffusion::example_network();
  const auto statistics = example_statistics(network);
  for (const BlockFitPlan& plan : {BlockFitPlan{.rank = 0}, BlockFitPlan{.rank = 4},
                                   BlockFitPlan{.rank = 8, .wired = Wired::kSkip},
                                   BlockFitPlan{.rank = 2, .grouping = Grouping::kGuidance}}) {
    const auto fits = fits_of(statistics, plan);
    const auto machines = BlockMachines::of(fits);
    ASSERT_TRUE(machines);
    const auto in = normals(7 * fits.shape.in(), 2);
    std::vector<float> mean(7 * fits.shape.out), folded(mean.size());
    const std::size_t group = fits.fits[0].size() - 1;
    machines->read(2, group, Readout::kMean, in, {}, mean);
    machines->read(2, group, Readout::kFolded, in, {}, folded);
    for (std::size_t i = 0; i < mean.size(); ++i) {
      EXPECT_NEAR(mean[i], folded[i], 1e-4 * (1 + std::abs(folded[i]))) << describe(plan);
    }
  }
}

TEST(SubstrateBlockTest, SnapshotsSpreadAsTheResidualAndWhiteNoiseEvenly) {
  const auto network = diffusion::example_network();
  const auto statistics = example_statistics(network);
  const auto fits = fits_of(statistics, {.rank = 2});
  const auto machines = BlockMachines::of(fits);
  ASSERT_TRUE(machines);
  constexpr std::size_t kDraws = 20'000;
  const std::size_t units = fits.shape.out;
  const auto pixel = normals(fits.shape.in(), 3);
  std::vector<float> in;
  for (std::size_t i = 0; i < kDraws; ++i) in.insert(in.end(), pixel.begin(), pixel.end());
  const auto xi = normals(kDraws * units, 4);
  std::vector<float> mean(kDraws * units), drawn(kDraws * units), white(kDraws * units, 0.0F);
  machines->read(0, 0, Readout::kMean, in, {}, mean);
  machines->read(0, 0, Readout::kSnapshot, in, xi, drawn);
  machines->read(0, 0, Readout::kWhite, in, xi, white);
  thermo::PairStatistics pooled = statistics.fit[0][0];
  for (std::size_t g = 1; g < statistics.fit[0].size(); ++g) {
    pooled = merge(pooled, statistics.fit[0][g]);
  }
  const auto wanted = thermo::residual_covariance(pooled, fits.fits[0][0].map);
  double trace = 0;
  for (std::size_t i = 0; i < units; ++i) trace += wanted(i, i);
  for (std::size_t i = 0; i < units; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = 0, plain = 0;
      for (std::size_t n = 0; n < kDraws; ++n) {
        sum += (drawn[n * units + i] - mean[n * units + i]) *
               (drawn[n * units + j] - mean[n * units + j]);
        plain += white[n * units + i] * white[n * units + j];
      }
      const double scale = std::sqrt(wanted(i, i) * wanted(j, j)), even = trace / double(units);
      EXPECT_NEAR(sum / kDraws, wanted(i, j), 0.05 * scale) << i << ' ' << j;
      EXPECT_NEAR(plain / kDraws, i == j ? even : 0, 0.05 * even) << i << ' ' << j;
    }
  }
}

TEST(SubstrateBlockTest, MergedStatisticsAreThoseOfAllPairs) {
  const auto x = normals(30 * 3, 5), d = normals(30 * 2, 6);
  const auto whole = thermo::pair_statistics(x, 3, d, 2);
  const auto first =
      thermo::pair_statistics(std::span(x).first(10 * 3), 3, std::span(d).first(10 * 2), 2);
  const auto rest =
      thermo::pair_statistics(std::span(x).subspan(10 * 3), 3, std::span(d).subspan(10 * 2), 2);
  ASSERT_TRUE(whole && first && rest);
  const auto both = merge(*first, *rest);
  EXPECT_EQ(both.count, 30U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(both.mean_x[i], whole->mean_x[i], 1e-12);
  for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(both.xx.values[i], whole->xx.values[i], 1e-12);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(both.xd.values[i], whole->xd.values[i], 1e-12);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(both.dd.values[i], whole->dd.values[i], 1e-12);
}

TEST(SubstrateBlockTest, MoreRankAndMoreInputsFitBetter) {
  const auto statistics = example_statistics(diffusion::example_network());
  const auto r2 = [&](const BlockFitPlan& plan) { return fits_of(statistics, plan).r2(); };
  const double none = r2({.rank = 0}), two = r2({.rank = 2}), all = r2({.rank = 8});
  EXPECT_LT(none, 0.01);
  EXPECT_GT(two, none);
  EXPECT_GT(all, two);
  EXPECT_GT(all, r2({.rank = 8, .wired = Wired::kSkip}));
  EXPECT_EQ(fits_of(statistics, {.rank = 1}).programs_a_picture(true), 3U);
  EXPECT_EQ(fits_of(statistics, {.rank = 1, .grouping = Grouping::kClass}).programs_a_picture(true),
            6U);
}

TEST(BatchSamplerTest, OnePictureHasTheBitsOfTheShippedSampler) {
  nn::set_threads(1);
  const auto network = diffusion::example_network();
  const BatchRecipe recipe{.steps = 3};
  const std::vector<std::int32_t> classes{7};
  const auto batch = sample_batch(network, recipe, seeds(1), classes);
  ASSERT_TRUE(batch) << batch.error().message;
  const diffusion::GuidedDenoiser denoiser(network, 7, recipe.guidance);
  std::vector<float> plain(batch->size());
  ASSERT_TRUE(diffusion::sample(**diffusion::find_sampler("dpmpp-2m"), denoiser, 3,
                                noise::Seed::from_bytes(seeds(1)[0]), diffusion::kDigitSide,
                                plain));
  EXPECT_EQ(*batch, plain);
}

TEST(BatchSamplerTest, APictureDoesNotDependOnItsNeighboursBeyondRounding) {
  nn::set_threads(1);
  const auto network = diffusion::example_network();
  const auto machines = BlockMachines::of(fits_of(example_statistics(network), {.rank = 4}));
  ASSERT_TRUE(machines);
  for (const Readout readout : {Readout::kMean, Readout::kSnapshot, Readout::kWhite}) {
    const BatchRecipe recipe{.steps = 3, .machines = &*machines, .readout = readout};
    const std::vector<std::int32_t> classes{7, 2, 0};
    const auto three = sample_batch(network, recipe, seeds(3), classes);
    const auto one = sample_batch(network, recipe, seeds(1), std::span(classes).first(1));
    ASSERT_TRUE(three && one);
    for (std::size_t i = 0; i < one->size(); ++i) EXPECT_NEAR((*one)[i], (*three)[i], 1e-3);
  }
}

TEST(BatchSamplerTest, SnapshotsDifferWithTheSeedAndRepeatWithIt) {
  nn::set_threads(1);
  const auto network = diffusion::example_network();
  const auto machines = BlockMachines::of(fits_of(example_statistics(network), {.rank = 4}));
  ASSERT_TRUE(machines);
  const std::vector<std::int32_t> classes{7, 2};
  const auto pictures = [&](Readout readout) {
    return *sample_batch(network, {.steps = 3, .machines = &*machines, .readout = readout},
                         seeds(2), classes);
  };
  const auto mean = pictures(Readout::kMean), drawn = pictures(Readout::kSnapshot);
  EXPECT_NE(mean, drawn);
  EXPECT_EQ(drawn, pictures(Readout::kSnapshot));
  EXPECT_NE(pictures(Readout::kWhite), pictures(Readout::kShaped));
}

TEST(BatchSamplerTest, SaysWhatItRefuses) {
  nn::set_threads(1);
  const auto network = diffusion::example_network();
  const auto machines = BlockMachines::of(fits_of(example_statistics(network), {.rank = 4}));
  ASSERT_TRUE(machines);
  const auto said = [&](const BatchRecipe& recipe, std::vector<std::int32_t> classes) {
    const auto result = sample_batch(network, recipe, seeds(1), classes);
    return result ? std::string("nothing") : result.error().message;
  };
  EXPECT_THAT(said({.steps = 4, .machines = &*machines}, {1}), HasSubstr("4 steps"));
  EXPECT_THAT(said({.sampler = "euler-ancestral", .steps = 3}, {1}), HasSubstr("draws noise"));
  EXPECT_THAT(said({.steps = 3}, {10}), HasSubstr("class 10"));
  EXPECT_THAT(said({.steps = 3}, {1, 2}), HasSubstr("2 classes"));
  auto settings = example_fit_settings();
  settings.pictures = 11;
  const auto few = gather_block_statistics(network, example_digits(1, 100), settings, 1, {}, {});
  ASSERT_FALSE(few);
  EXPECT_THAT(few.error().message, HasSubstr("too few pictures of class 0"));
  const auto rank = fit_block(example_statistics(network), {.rank = 99});
  ASSERT_FALSE(rank);
  EXPECT_THAT(rank.error().message, HasSubstr("rank 99"));
}

}  // namespace
}  // namespace calx::inference
