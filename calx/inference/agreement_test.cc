// Goal: each measure of agreement is the stated formula, and the published one cannot tell a
// predictor that ignores its input. Method: vectors worked by hand, laws under shift and scale,
// the constant control, provoked errors.
#include "calx/inference/agreement.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "calx/noise/stream.h"

namespace calx::inference {
namespace {

using Floats = std::vector<float>;

Floats normals(std::uint64_t index, std::size_t count) {
  Floats values(count);
  noise::Region region;
  region.columns = static_cast<std::uint32_t>(count);
  EXPECT_TRUE(noise::Stream::open(noise::Seed(), "test", index)->normal(region, values));
  return values;
}

// Vector: rows (3, 4) against (4, 3) have 24/25, (1, 0) against (0, 2) have 0.
TEST(AgreementTest, RawCosineIsTheMeanOfTheRows) {
  const Floats y{3, 4, 1, 0}, d{4, 3, 0, 2};
  EXPECT_DOUBLE_EQ(raw_cosine(y, d, 2), 0.48);
  const std::vector<double> zero(2);
  EXPECT_DOUBLE_EQ(agree(y, d, 2, zero)->raw, 0.48);
  EXPECT_DOUBLE_EQ(agree(y, d, 2, zero)->centred, 0.48);
  EXPECT_NEAR(agree(y, d, 2, zero)->centred_sd, 0.96 / std::sqrt(2.0), 1e-15);
}

// Vector: targets 1, 3 | 5, 7 about their mean 3 | 5; estimates off by one in one place.
TEST(AgreementTest, R2IsOneMinusErrorOverSpreadOfTheTest) {
  const Floats d{1, 3, 5, 7}, y{1, 3, 5, 6};
  const std::vector<double> centre{3, 5};
  const auto a = agree(y, d, 2, centre);
  ASSERT_TRUE(a);
  EXPECT_DOUBLE_EQ(a->r2, 1 - 1.0 / 16);
  // Centred rows (-2, -2) . (-2, -2) and (2, 1) . (2, 2).
  EXPECT_NEAR(a->centred, (1 + 6 / std::sqrt(5.0 * 8)) / 2, 1e-15);
}

// Vector: z-scores of 1 2 3 6 (mean 3, unbiased variance 14/3) and of 2 2 2 10 (mean 4, 16) leave
// rows (-2, -1), (0, 3) against (-2, -2), (-2, 6) up to scale.
TEST(AgreementTest, PublishedCosineUsesOneMeanForTheWholeBatch) {
  const Floats y{1, 2, 3, 6}, d{2, 2, 2, 10};
  const double wanted = (6 / std::sqrt(5.0 * 8) + 18 / std::sqrt(9.0 * 40)) / 2;
  EXPECT_NEAR(published_cosine(y, d, 2), wanted, 1e-7);
}

TEST(AgreementTest, PublishedCosineIgnoresScaleAndOffsetOfTheWholeBatch) {
  const Floats d = normals(1, 64 * 8);
  Floats y = normals(2, 64 * 8);
  const double before = published_cosine(y, d, 8);
  for (float& value : y) value = 3 * value + 5;
  EXPECT_NEAR(published_cosine(y, d, 8), before, 1e-5);
  EXPECT_LT(std::abs(before), 0.3);
}

// The defect that every report shows beside the metric: targets that hardly differ reward a
// constant, which the centred measures do not.
TEST(AgreementTest, AConstantPleasesThePublishedMeasureAlone) {
  constexpr std::size_t kRows = 64, kUnits = 32;
  const Floats base = normals(1, kUnits);
  Floats d = normals(2, kRows * kUnits), y(d.size());
  for (std::size_t i = 0; i < d.size(); ++i) {
    d[i] = base[i % kUnits] + 0.05F * d[i];
    y[i] = base[i % kUnits];
  }
  const auto centre = row_mean(normals(3, 4 * kUnits), kUnits);
  std::vector<double> fit_mean(base.begin(), base.end());
  const auto a = agree(y, d, kUnits, fit_mean);
  ASSERT_TRUE(a);
  EXPECT_GT(a->published, 0.99);
  EXPECT_GT(a->raw, 0.99);
  EXPECT_EQ(a->centred, 0);  // y - centre is the zero row
  EXPECT_LT(a->r2, 0.05);
  EXPECT_GT(pairwise_cosine(d, kUnits), 0.99);
  EXPECT_NEAR(spread_over_mean(d, kUnits), 0.05 * std::sqrt(32.0) / std::sqrt([&] {
                                             double norm = 0;
                                             for (const float value : base)
                                               norm += double{value} * double{value};
                                             return norm;
                                           }()),
              0.004);
}

TEST(AgreementTest, PerfectEstimatesScoreOneEverywhere) {
  const Floats d = normals(1, 16 * 8);
  const auto a = agree(d, d, 8, std::vector<double>(8, 0.1));
  ASSERT_TRUE(a);
  EXPECT_NEAR(a->published, 1, 1e-12);
  EXPECT_NEAR(a->raw, 1, 1e-12);
  EXPECT_NEAR(a->centred, 1, 1e-12);
  EXPECT_EQ(a->r2, 1);
}

// Vector: an error of 0.5 everywhere is 10 log10(16) = 12.0412 dB.
// An offset that is the same for every input is what R2 punishes and the deviations forgive.
TEST(AgreementTest, DeviationsForgiveACommonOffset) {
  const Floats d = normals(1, 16 * 8);
  Floats y = d;
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += static_cast<float>(i % 8);
  const auto a = agree(y, d, 8, std::vector<double>(8));
  ASSERT_TRUE(a);
  EXPECT_LT(a->r2, -5);
  EXPECT_NEAR(a->deviation_r2, 1, 1e-6);
  EXPECT_NEAR(a->deviation_cosine, 1, 1e-6);
  EXPECT_NEAR(a->deviation_cosine_sd, 0, 1e-6);
}

TEST(AgreementTest, PsnrIsOfAPeakToPeakOfTwo) {
  const Floats reference{-1, 1, 0, 0.5F}, image{-0.5F, 0.5F, 0.5F, 0};
  EXPECT_NEAR(psnr_db(image, reference), 12.041199826559248, 1e-12);
  EXPECT_TRUE(std::isinf(psnr_db(reference, reference)));
}

TEST(AgreementTest, RefusesRowsThatDoNotFit) {
  const Floats d{1, 2, 3, 4}, three{1, 2, 3}, same{1, 2, 1, 2};
  const Floats poisoned{1, 2, 3, std::numeric_limits<float>::quiet_NaN()};
  const std::vector<double> centre(2), wrong(3);
  for (const auto& bad : {agree(three, d, 2, centre), agree(d, d, 2, wrong), agree(d, d, 0, centre),
                          agree({}, {}, 2, centre), agree(poisoned, d, 2, centre),
                          agree(d, poisoned, 2, centre), agree(d, same, 2, centre)}) {
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace calx::inference
