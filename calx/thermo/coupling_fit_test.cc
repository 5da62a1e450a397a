// Goal: couplings that are fitted are the best of their rank, the substrate they make answers with
// the fitted map, and the published coupling is built as it was published.
// Method: laws (optimality against perturbed and rival maps, monotone error in the rank, the mean
// of the clamped pair); parity with full ridge regression; vectors of the reference where it has
// any; faults.
#include "calx/thermo/coupling_fit.h"

#include <gmock/gmock.h>

#include <cmath>

#include "calx/thermo/conditioning.h"
#include "calx/thermo/eigen_view.h"
#include "calx/thermo/exact_law.h"
#include "calx/thermo/example_substrate.h"
#include "calx/thermo/published_pair.h"
#include "calx/thermo/stiffness.h"

namespace calx::thermo {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using testing::HasSubstr;

struct Activations {
  std::vector<float> x, d;
};

constexpr std::size_t kX = 12, kD = 9, kPairs = 4000;

// d depends on x by a map of falling singular values, plus noise, about means that are not 0.
Activations example_activations() {
  const MatrixXd a = view(example_matrix(kX, kX, 1, 0));
  MatrixXd w = view(example_matrix(kD, kX, 1, 300));
  const Eigen::BDCSVD<MatrixXd> svd(w, Eigen::ComputeThinU | Eigen::ComputeThinV);
  VectorXd values(9);
  for (int i = 0; i < 9; ++i) values(i) = std::pow(0.6, i);
  w = svd.matrixU() * values.asDiagonal() * svd.matrixV().transpose();
  Activations result;
  for (std::uint32_t i = 0; i < kPairs; ++i) {
    VectorXd z(static_cast<Eigen::Index>(kX));
    for (std::uint32_t j = 0; j < kX; ++j) z(j) = 2 * example_value(1000 + i * 64 + j);
    const VectorXd x = a * z + VectorXd::Constant(kX, 0.7);
    VectorXd d = w * x;
    for (std::uint32_t j = 0; j < kD; ++j) d(j) += 0.2 * example_value(1000 + i * 64 + 20 + j) - j;
    for (const double value : x) result.x.push_back(static_cast<float>(value));
    for (const double value : d) result.d.push_back(static_cast<float>(value));
  }
  return result;
}

PairStatistics statistics_of(const Activations& a) {
  return pair_statistics(a.x, kX, a.d, kD).value();
}

double squared_error(const PairStatistics& pairs, const LinearMap& map) {
  return view(residual_covariance(pairs, map)).trace();
}

TEST(CouplingFitTest, AgreesWithTheErrorOverAllPairs) {
  const Activations a = example_activations();
  const auto pairs = statistics_of(a);
  const auto map = fit_rrr(pairs, 3).value();
  const std::vector<float> y = map.apply(a.x);
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) sum += std::pow(double{y[i]} - double{a.d[i]}, 2);
  EXPECT_NEAR(sum / kPairs, squared_error(pairs, map), 1e-4 * sum / kPairs);
}

TEST(CouplingFitTest, IsTheBestOfItsRank) {
  const auto pairs = statistics_of(example_activations());
  double before = squared_error(pairs, fit_none(pairs));
  for (std::size_t k = 1; k <= kD; ++k) {
    const auto map = fit_rrr(pairs, k).value();
    const double error = squared_error(pairs, map);
    EXPECT_LT(error, before) << k;
    before = error;
    EXPECT_LE(error, squared_error(pairs, fit_cca(pairs, k).value()) + 1e-9) << k;
    for (std::uint32_t i = 0; i < 20; ++i) {
      LinearMap other = map;
      other.left.values[i % other.left.values.size()] += 0.01 * example_value(i);
      other.right.values[i % other.right.values.size()] += 0.01 * example_value(i + 50);
      EXPECT_GE(squared_error(pairs, other), error * (1 - 1e-9)) << k;
    }
  }
  EXPECT_NEAR(before, squared_error(pairs, fit_full(pairs).value()), 1e-12);
}

TEST(CouplingFitTest, IsRidgeRegressionAtFullRank) {
  const auto pairs = statistics_of(example_activations());
  MatrixXd s = view(pairs.xx);
  s.diagonal().array() += 1e-5 * s.trace() / kX;
  const MatrixXd wanted = s.ldlt().solve(MatrixXd(view(pairs.xd)));
  for (const auto& map : {fit_full(pairs).value(), fit_cca(pairs, kD).value()}) {
    const MatrixXd w = view(map.left) * view(map.right).transpose();
    EXPECT_LT((w - wanted).norm(), 1e-4 * wanted.norm());
  }
}

TEST(CouplingFitTest, ScalesWeightsAsWellAsOneNumberCan) {
  const auto pairs = statistics_of(example_activations());
  const Matrix weights = to_matrix(MatrixXd(view(fit_full(pairs).value().right) *
                                            view(fit_full(pairs).value().left).transpose() * 0.3));
  const auto map = fit_weights(pairs, weights, kD).value();
  EXPECT_NEAR(squared_error(pairs, map), squared_error(pairs, fit_full(pairs).value()), 1e-3);
  const auto cut = fit_weights(pairs, example_matrix(kD, kX, 1, 7), 2).value();
  for (const double factor : {0.9, 1.1}) {
    LinearMap other = cut;
    for (double& value : other.right.values) value *= factor;
    EXPECT_GT(squared_error(pairs, other), squared_error(pairs, cut));
  }
}

TEST(CouplingFitTest, MakesASubstrateThatAnswersWithTheMap) {
  const Activations a = example_activations();
  const auto pairs = statistics_of(a);
  Matrix clamps(5, kX);
  std::copy_n(a.x.begin(), 5 * kX, clamps.values.begin());
  for (const std::size_t rank : {0u, 1u, 4u}) {
    const LinearMap map = rank == 0 ? fit_none(pairs) : fit_rrr(pairs, rank).value();
    const auto wanted = map.apply(std::span(a.x).first(5 * kX));
    for (const Stiffening how : {Stiffening::kCalibrated, Stiffening::kUniform}) {
      const Substrate s = clamped_pair(map, pairs, how, 0.5, 3).value();
      const auto stiffness = Stiffness::of(s);
      ASSERT_TRUE(stiffness) << stiffness.error().message;
      const Matrix bias = effective_bias(s, {.clamps = clamps}, 5).value();
      for (std::size_t i = 0; i < 5; ++i) {
        const auto z = stiffness->solve(std::span(bias.values).subspan(i * kD, kD)).value();
        for (std::size_t j = 0; j < kD; ++j) EXPECT_NEAR(z[j], wanted[i * kD + j], 1e-5);
      }
      EXPECT_EQ(wiring(s).coupling_wires, rank * (kX + kD));
      const MatrixXd noise = view(equilibrium_covariance(dense_stiffness(s).value(), 0.5).value());
      const MatrixXd law = how == Stiffening::kUniform
                               ? MatrixXd(MatrixXd::Identity(kD, kD) * 0.5 / 3)
                               : MatrixXd(view(residual_covariance(pairs, map)));
      EXPECT_LT((noise - law).norm(), 1e-9 * law.norm());
    }
  }
}

TEST(CouplingFitTest, MakesAJointLawThatConditionsBothWays) {
  constexpr double kKt = 0.5;
  const auto pairs = statistics_of(example_activations());
  for (const std::size_t rank : {0u, 3u, 9u}) {
    const LinearMap map = rank == 0 ? fit_none(pairs) : fit_rrr(pairs, rank).value();
    Substrate joint = joint_pair(map, pairs, kKt).value();
    EXPECT_EQ(wiring(joint).coupling_wires, rank * (kX + kD));
    // Free on both sides: covariance S and Sdd, between them what the map keeps, means at rest.
    MatrixXd sigma = MatrixXd::Zero(kX + kD, kX + kD);
    MatrixXd s = view(pairs.xx), w = MatrixXd::Zero(kX, kD);
    s.diagonal().array() += kRidgeDefault * s.trace() / kX;
    if (rank > 0) w = view(map.left) * view(map.right).transpose();
    sigma << s, s * w, w.transpose() * s, MatrixXd(view(pairs.dd));
    const MatrixXd law = view(equilibrium_covariance(dense_stiffness(joint).value(), kKt).value());
    EXPECT_LT((law - sigma).norm(), 1e-8 * sigma.norm()) << rank;
    const Matrix bias = effective_bias(joint, {}, 1).value();
    const auto rest = Stiffness::of(joint)->solve(bias.values).value();
    for (std::size_t i = 0; i < kX; ++i) EXPECT_NEAR(rest[i], pairs.mean_x[i], 1e-7);
    for (std::size_t i = 0; i < kD; ++i) EXPECT_NEAR(rest[kX + i], pairs.mean_d[i], 1e-7);
    // One side clamped: the regression of the other on it, whichever side it is.
    const VectorXd x = view(example_matrix(1, kX, 1, 70).values);
    const VectorXd d = view(example_matrix(1, kD, 2, 80).values);
    const VectorXd mean_x = view(pairs.mean_x), mean_d = view(pairs.mean_d);
    const auto mean_of_other = [&joint](std::size_t clamped, const VectorXd& at) {
      Substrate held = joint;
      held.modules[clamped].clamped = true;
      const Matrix row(1, static_cast<std::size_t>(at.size()), to_vector(at));
      const Matrix push = effective_bias(held, {.clamps = row}, 1).value();
      return VectorXd(view(Stiffness::of(held)->solve(push.values).value()));
    };
    const VectorXd forward = mean_d + w.transpose() * (x - mean_x);
    const MatrixXd sdd = view(pairs.dd);
    const VectorXd backward = mean_x + s * w * sdd.llt().solve(d - mean_d);
    EXPECT_LT((mean_of_other(0, x) - forward).norm(), 1e-7 * forward.norm()) << rank;
    EXPECT_LT((mean_of_other(1, d) - backward).norm(), 1e-7 * backward.norm()) << rank;
  }
}

TEST(CouplingFitTest, RefusesAJointLawThatIsIndefinite) {
  const auto pairs = statistics_of(example_activations());
  LinearMap map = fit_rrr(pairs, 3).value();
  for (double& value : map.right.values) value *= 3;  // claims more of d than d varies
  EXPECT_THAT(joint_pair(map, pairs, 1).error().message, HasSubstr("is indefinite"));
  EXPECT_FALSE(joint_pair(fit_none(pairs), pairs, 0));
  EXPECT_FALSE(joint_pair(fit_none(pairs), pairs, 1, 0));
}

TEST(CouplingFitTest, RefusesWhatItCannotFit) {
  const Activations a = example_activations();
  const auto pairs = statistics_of(a);
  EXPECT_THAT(fit_rrr(pairs, 0).error().message, HasSubstr("rank 0, wanted 1 to 9"));
  EXPECT_FALSE(fit_rrr(pairs, 10));
  EXPECT_FALSE(fit_rrr(pairs, 3, 0));
  EXPECT_FALSE(fit_weights(pairs, Matrix(3, 3), 2));
  EXPECT_THAT(fit_weights(pairs, Matrix(kD, kX), 2).error().message, HasSubstr("no signal"));
  EXPECT_FALSE(clamped_pair(fit_none(pairs), pairs, Stiffening::kUniform, 0));
  EXPECT_FALSE(pair_statistics(a.x, kX, std::span(a.d).first(10), kD));
  std::vector<float> broken = a.x;
  broken[5] = NAN;
  EXPECT_THAT(pair_statistics(broken, kX, a.d, kD).error().message, HasSubstr("finite"));
  PairStatistics still = pairs;
  still.dd = Matrix(kD, kD);
  still.xd = Matrix(kX, kD);
  EXPECT_THAT(clamped_pair(fit_none(still), still, Stiffening::kCalibrated, 1).error().message,
              HasSubstr("never errs"));
}

TEST(PublishedPairTest, IsBuiltAsPublished) {
  const Matrix encoder = example_matrix(20, 90, 0.1, 0), decoder = example_matrix(16, 99, 0.1, 1);
  const Substrate s = published_pair(encoder, decoder, 12, 3).value();
  const MatrixXd m = view(dense_stiffness(s).value());
  const MatrixXd w = view(encoder).topLeftCorner(12, 12);
  const MatrixXd a = 0.2 * MatrixXd::Identity(12, 12) + 2 * (w.transpose() * w) / 4;
  EXPECT_LT((m.topLeftCorner(12, 12) - a).norm(), 1e-12);
  EXPECT_NEAR(m.topRightCorner(12, 12).norm(), 0.25, 1e-6);  // whatever the rank
  // Its singular values are proportional to the roots of the products of those of the Grams.
  const MatrixXd v = view(decoder).topLeftCorner(12, 12);
  const VectorXd p = w.jacobiSvd().singularValues(), q = v.jacobiSvd().singularValues();
  const VectorXd skip = m.topRightCorner(12, 12).jacobiSvd().singularValues();
  EXPECT_NEAR(skip(1) / skip(0), p(1) * q(1) / (p(0) * q(0)), 1e-9);
  EXPECT_LT(skip(3), 1e-12);
}

TEST(PublishedPairTest, CanBeIndefiniteAtRankOne) {
  const Matrix encoder = example_matrix(40, 90, 0.01, 0), decoder = example_matrix(40, 99, 0.01, 1);
  EXPECT_THAT(Stiffness::of(published_pair(encoder, decoder, 32, 1).value()).error().message,
              HasSubstr("indefinite"));
  EXPECT_TRUE(Stiffness::of(published_pair(encoder, decoder, 32, 8).value()));
}

TEST(PublishedPairTest, RefusesWeightsThatDoNotFit) {
  const Matrix good = example_matrix(20, 90, 0.1, 0);
  EXPECT_FALSE(published_pair(good, good, 12, 13));
  EXPECT_FALSE(published_pair(good, Matrix(8, 90), 12, 3));
  EXPECT_FALSE(published_pair(good, Matrix(20, 90), 12, 3));
  EXPECT_FALSE(published_pair(good, good, 12, 3, {.coupling_kt = 0}));
}

TEST(PublishedPairTest, MeasuresTheShift) {
  const std::vector<double> d = {3, 4, 0, 10}, with = {1, 0, 1, 0}, without = {0, 0, 0, 0};
  EXPECT_NEAR(decoder_shift_percent(with, without, d, 2), (20.0 + 10) / 2, 1e-12);
}

}  // namespace
}  // namespace calx::thermo
