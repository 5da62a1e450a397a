// Goal: the table of the posterior is what its prior and its noise give.
// Method: a prior cut to a lower rank against one fitted at that rank; draws against their
// variance mode by mode; one small study whose figures must order as the theory says.
#include "calx/inference/posterior_study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "calx/inference/example_study.h"
#include "calx/inference/sample_study.h"
#include "calx/noise/stream.h"

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

TEST(PosteriorStudyTest, ACutPriorIsTheOneFittedAtThatRank) {
  auto x = normals(200 * 6, 1);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= static_cast<float>(1 + i % 6);
  const auto full = thermo::fit_prior(x, 6, 4);
  ASSERT_TRUE(full);
  for (const std::size_t rank : {0U, 1U, 4U}) {
    const auto fitted = thermo::fit_prior(x, 6, rank);
    ASSERT_TRUE(fitted);
    const auto cut = truncated(*full, rank);
    EXPECT_NEAR(cut.floor, fitted->floor, 1e-9) << rank;
    EXPECT_EQ(cut.variance, fitted->variance);
    EXPECT_EQ(cut.axes, fitted->axes);
  }
}

TEST(PosteriorStudyTest, ThermalDrawsHaveThePosteriorVarianceOfEachMode) {
  thermo::Prior prior{.mean = {0, 0, 0}, .axes = thermo::Matrix(3, 1), .variance = {4}, .floor = 1};
  prior.axes(0, 0) = 0.6;
  prior.axes(1, 0) = 0.8;
  constexpr std::size_t kDraws = 40'000;
  std::vector<float> draws(3 * kDraws, 0.0F);
  add_thermal(prior, 0.5, normals(3 * kDraws, 2), draws);
  double along = 0, last = 0;
  for (std::size_t i = 0; i < kDraws; ++i) {
    along += std::pow(0.6 * double{draws[3 * i]} + 0.8 * double{draws[3 * i + 1]}, 2);
    last += std::pow(double{draws[3 * i + 2]}, 2);
  }
  // s sigma^2 / (s + sigma^2): 4 * 0.25 / 4.25 and 0.25 / 1.25, each to 4 standard errors.
  EXPECT_NEAR(along / kDraws, 1 / 4.25, 4 * std::sqrt(2.0 / kDraws) / 4.25);
  EXPECT_NEAR(last / kDraws, 0.2, 4 * std::sqrt(2.0 / kDraws) * 0.2);
}

TEST(PosteriorStudyTest, RankHelpsASampleCostsAndTheNetworkStandsBeside) {
  const PosteriorData data{"drawn", example_digits(4, 300), example_digits(5, 8), false};
  const auto network = diffusion::example_network();
  PosteriorSettings settings;
  settings.sigmas = {0.5};
  settings.ranks = {0, 16, 64};
  const auto rows = study_posterior(data, &network, settings, 1, {}, {});
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 1U);
  const PosteriorRow& row = rows->front();
  EXPECT_NEAR(row.noisy_db, 10 * std::log10(4 / 0.25), 0.2);
  EXPECT_GT(row.cells[0].mean_db, row.noisy_db);
  EXPECT_GT(row.cells[1].mean_db, row.cells[0].mean_db);
  EXPECT_GT(row.cells[2].mean_db, row.cells[1].mean_db);
  for (const PosteriorCell& cell : row.cells) {
    EXPECT_GT(cell.mean_db - cell.sample_db, 1);
    EXPECT_GE(cell.condition, 0.999);
  }
  ASSERT_TRUE(row.network_db && row.told_db);
  const PosteriorPart part{&data, *rows};
  const Report report = posterior_report({&part, 1}, settings, {});
  EXPECT_THAT(render_markdown(report), HasSubstr("cond at 64"));
  settings.ranks = {16, 0};
  EXPECT_FALSE(study_posterior(data, &network, settings, 1, {}, {}));
}

TEST(PosteriorStudyTest, NothingWantedIsAnError) {
  SampleStudySettings settings;
  settings.images = settings.denoising = false;
  const auto digits = example_digits(1, 20);
  const auto result = study_sampling(digits, digits, settings, {}, "nowhere", {}, {});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("neither"));
}

}  // namespace
}  // namespace calx::inference
