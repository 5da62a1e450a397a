// Goal: the distance is the closed form for Gaussians, whatever their covariances.
// Method: cases with a known value (shift, scaling, commuting and rotated covariances, singular
// ones), the laws of a distance, and the bias of samples against its expectation.
#include "calx/eval/frechet.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "calx/noise/stream.h"

namespace calx::eval {
namespace {

Gaussian diagonal(std::vector<double> mean, const std::vector<double>& variances) {
  const std::size_t d = variances.size();
  Gaussian gaussian{std::move(mean), std::vector<double>(d * d)};
  for (std::size_t i = 0; i < d; ++i) gaussian.covariance[i * d + i] = variances[i];
  return gaussian;
}

Gaussian rotated(double angle, double variance_x, double variance_y) {
  const double c = std::cos(angle), s = std::sin(angle);
  const double xy = c * s * (variance_x - variance_y);
  return {
      {0, 0},
      {c * c * variance_x + s * s * variance_y, xy, xy, s * s * variance_x + c * c * variance_y}};
}

std::vector<float> normal_features(std::uint64_t index, std::size_t rows, std::size_t columns) {
  std::vector<float> values(rows * columns);
  noise::Region region;
  region.rows = static_cast<std::uint32_t>(rows);
  region.columns = static_cast<std::uint32_t>(columns);
  const auto stream = noise::Stream::open(noise::Seed::from_integer(std::int64_t{3}), "x", index);
  EXPECT_TRUE(stream->normal(region, values));
  return values;
}

TEST(FrechetTest, OfEqualGaussiansIsZero) {
  const auto a = rotated(0.4, 2.0, 0.5);
  EXPECT_NEAR(frechet_distance(a, a).value(), 0.0, 1e-12);
}

TEST(FrechetTest, OfShiftedGaussiansIsTheSquaredShift) {
  EXPECT_NEAR(frechet_distance(diagonal({1, 2}, {2, 3}), diagonal({4, -2}, {2, 3})).value(), 25,
              1e-12);
}

TEST(FrechetTest, OfCommutingCovariancesIsTheSquaredDifferenceOfDeviations) {
  // sum (sqrt(a_i) - sqrt(b_i))^2 = (3 - 1)^2 + (2 - 5)^2
  EXPECT_NEAR(frechet_distance(diagonal({0, 0}, {9, 4}), diagonal({0, 0}, {1, 25})).value(), 13,
              1e-12);
}

TEST(FrechetTest, OfPlanarCovariancesAgreesWithTheDeterminantFormula) {
  // For 2 x 2 matrices tr sqrt(M) = sqrt(tr M + 2 sqrt(det M)), with M = A B.
  const auto a = rotated(0.3, 3.0, 0.7), b = rotated(1.1, 2.0, 0.1);
  const auto& p = a.covariance;
  const auto& q = b.covariance;
  const double trace = p[0] * q[0] + p[1] * q[2] + p[2] * q[1] + p[3] * q[3];
  const double determinant = (p[0] * p[3] - p[1] * p[2]) * (q[0] * q[3] - q[1] * q[2]);
  const double want = p[0] + p[3] + q[0] + q[3] - 2 * std::sqrt(trace + 2 * std::sqrt(determinant));
  EXPECT_NEAR(frechet_distance(a, b).value(), want, 1e-12);
  EXPECT_NEAR(frechet_distance(b, a).value(), want, 1e-12);
}

TEST(FrechetTest, TakesSingularCovariances) {
  // Two segments at a right angle share nothing: the traces add up.
  const auto a = rotated(0.5, 4.0, 0.0), b = rotated(0.5 + std::numbers::pi / 2, 9.0, 0.0);
  EXPECT_NEAR(frechet_distance(a, b).value(), 13, 1e-6);
}

TEST(FrechetTest, OfTwoSamplesOfOneLawHasTheExpectedBias) {
  // Two samples of n from N(0, I_d). Means: 2 d / n expected. Covariances I + E and I + F: to
  // second order |E - F|_F^2 / 4, and |E - F|_F^2 is 2 d (d + 1) / n.
  constexpr std::size_t kRows = 2000, kColumns = 16;
  constexpr int kRounds = 20;
  double sum = 0;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    const auto a = fit_gaussian(normal_features(2 * round, kRows, kColumns), kColumns);
    const auto b = fit_gaussian(normal_features(2 * round + 1, kRows, kColumns), kColumns);
    ASSERT_TRUE(a);
    ASSERT_TRUE(b);
    sum += frechet_distance(*a, *b).value();
  }
  const double d = kColumns, n = kRows;
  const double want = 2 * d / n + d * (d + 1) / (2 * n);
  // Every term is a scaled square of a normal number; their variances add up to
  // (8 d + d (d + 1)) / n^2 a round.
  const double deviation = std::sqrt((8 * d + d * (d + 1)) / kRounds) / n;
  EXPECT_NEAR(sum / kRounds, want, 4 * deviation);
}

TEST(FitGaussianTest, CountsRowsAsOftenAsTheyAreDrawn) {
  const std::vector<float> rows = {1, 2, 3, 5, -1, 4};
  const std::vector<std::uint32_t> counts = {2, 0, 1};
  const std::vector<float> spelled = {1, 2, 1, 2, -1, 4};
  const auto weighted = fit_gaussian(rows, 2, counts);
  const auto plain = fit_gaussian(spelled, 2);
  ASSERT_TRUE(weighted);
  ASSERT_TRUE(plain);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_NEAR(weighted->mean[i], plain->mean[i], 1e-12);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(weighted->covariance[i], plain->covariance[i], 1e-12);
  }
  EXPECT_NEAR(plain->covariance[0], 4.0 / 3.0, 1e-12);
  EXPECT_NEAR(plain->covariance[1], -4.0 / 3.0, 1e-12);
}

TEST(FitGaussianTest, RefusesWhatDoesNotFit) {
  const std::vector<float> rows = {1, 2, 3, NAN};
  EXPECT_EQ(fit_gaussian(rows, 2).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(fit_gaussian(std::span(rows).first(3), 2).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(fit_gaussian(std::span(rows).first(2), 2).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(frechet_distance(diagonal({0}, {1}), diagonal({0, 0}, {1, 1})).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::eval
