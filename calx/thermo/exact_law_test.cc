// Goal: the closed forms that samplers and certificates stand on are right.
// Method: laws (every law at rest is a fixed point of its own step; the walk's equation; 1-D
// factors of the reference); parity of the exact step with numerical integration for drifts that
// are not normal, where the shortcut by the symmetric part is off by the known amounts; faults.
#include "calx/thermo/exact_law.h"

#include <gmock/gmock.h>

#include <cmath>
#include <unsupported/Eigen/MatrixFunctions>

#include "calx/thermo/eigen_view.h"
#include "calx/thermo/example_substrate.h"

namespace calx::thermo {
namespace {

using Eigen::MatrixXd;
using testing::HasSubstr;

MatrixXd matrix_of(const Matrix& m) { return view(m); }

Matrix example_stiffness() { return dense_stiffness(example_substrate(12, 3)).value(); }

// Simpson's rule over the integral of e^(-A s) D e^(-A^T s).
MatrixXd integrated(const MatrixXd& a, const MatrixXd& d, double h) {
  const int n = 2000;
  MatrixXd sum = MatrixXd::Zero(a.rows(), a.rows());
  for (int i = 0; i <= n; ++i) {
    const MatrixXd e = (-a * (h * i / n)).exp();
    sum += (i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2) * (e * d * e.transpose());
  }
  return sum * h / n / 3;
}

// What diagonalising the symmetric part of the drift makes of the same covariance.
MatrixXd by_symmetric_part(const MatrixXd& a, double h) {
  const EigenSolver solver(MatrixXd((a + a.transpose()) / 2));
  const Eigen::VectorXd spread =
      solver.eigenvalues().unaryExpr([h](double l) { return -std::expm1(-2 * l * h) / (2 * l); });
  return solver.eigenvectors() * spread.asDiagonal() * solver.eigenvectors().transpose();
}

double error(const MatrixXd& got, const MatrixXd& wanted) {
  return (got - wanted).norm() / wanted.norm();
}

TEST(ExactLawTest, KeepsTheLawAtRestOfEveryScheme) {
  const Matrix m = example_stiffness();
  const Dynamics dynamics{.mobility = 1.3, .temperature_kt = 0.7, .step = 0.2};
  for (const Scheme scheme : {Scheme::kExactOu, Scheme::kEulerMaruyama, Scheme::kHeun}) {
    const auto step = one_step_law(scheme, m, dynamics).value();
    const MatrixXd a = view(step.propagator), noise = view(step.covariance);
    const MatrixXd c = matrix_of(stationary_covariance(scheme, m, dynamics).value());
    EXPECT_LT(error(a * c * a.transpose() + noise, c), 1e-13) << to_string(scheme);
  }
}

// x' = A x + s (xi + xi')/2 with xi' shared by the next step: carry the pair (x, xi).
TEST(ExactLawTest, KeepsTheLawAtRestOfLeimkuhlerMatthews) {
  const Matrix m = example_stiffness();
  const Dynamics dynamics{.mobility = 1.3, .temperature_kt = 0.7, .step = 0.2};
  const MatrixXd a =
      view(one_step_law(Scheme::kLeimkuhlerMatthews, m, dynamics).value().propagator);
  const auto n = a.rows();
  const double s = std::sqrt(2 * 1.3 * 0.7 * 0.2) / 2;
  MatrixXd both = MatrixXd::Zero(2 * n, 2 * n), force = MatrixXd::Zero(2 * n, n);
  both.topLeftCorner(n, n) = a;
  both.topRightCorner(n, n) = s * MatrixXd::Identity(n, n);
  force.topRows(n) = s * MatrixXd::Identity(n, n);
  force.bottomRows(n) = MatrixXd::Identity(n, n);
  MatrixXd c = MatrixXd::Identity(2 * n, 2 * n);
  for (int i = 0; i < 2000; ++i) c = both * c * both.transpose() + force * force.transpose();
  EXPECT_LT(error(c.topLeftCorner(n, n), matrix_of(equilibrium_covariance(m, 0.7).value())), 1e-12);
}

TEST(ExactLawTest, SolvesTheEquationOfTheLatticeWalk) {
  const Matrix m = example_stiffness();
  const Dynamics dynamics{.mobility = 1.3, .temperature_kt = 0.7, .step = 0.2};
  const MatrixXd c = matrix_of(stationary_covariance(Scheme::kLatticeWalk, m, dynamics).value());
  const MatrixXd stiffness = view(m);
  MatrixXd off = stiffness * c * stiffness;
  off.diagonal().setZero();
  const MatrixXd right = 2 * 0.7 * MatrixXd::Identity(stiffness.rows(), stiffness.cols());
  EXPECT_LT(error(stiffness * c + c * stiffness - 0.2 * 1.3 * off, right), 1e-12);
  EXPECT_LT(((stiffness * c).diagonal().array() - 0.7).abs().maxCoeff(), 1e-12);  // the virial
  EXPECT_GT(error(c, matrix_of(equilibrium_covariance(m, 0.7).value())), 1e-3);
}

TEST(ExactLawTest, GivesTheFactorsOfOneMode) {
  const Matrix one(1, 1, {1.0});
  const auto factor = [&one](Scheme scheme, double a) {
    return stationary_covariance(scheme, one, {.step = a}).value().values[0];
  };
  EXPECT_NEAR(factor(Scheme::kEulerMaruyama, 0.1), 1.0526316, 1e-6);
  EXPECT_NEAR(factor(Scheme::kEulerMaruyama, 0.5), 4.0 / 3, 1e-12);
  EXPECT_NEAR(factor(Scheme::kEulerMaruyama, 1), 2, 1e-12);
  EXPECT_NEAR(factor(Scheme::kHeun, 0.5), 0.9231, 1e-4);
  EXPECT_NEAR(factor(Scheme::kHeun, 1), 2.0 / 3, 1e-12);
  EXPECT_NEAR(factor(Scheme::kLeimkuhlerMatthews, 1), 1, 1e-12);
  EXPECT_NEAR(factor(Scheme::kLatticeWalk, 1), 1, 1e-12);
}

TEST(ExactLawTest, IsRightForDriftsThatAreNotNormal) {
  const MatrixXd identity = MatrixXd::Identity(2, 2);
  struct Case {
    std::vector<double> drift;
    double shortcut_error;  // as measured of thermox @26ec6ae
  };
  for (const Case& c : {Case{{3, 2.5, 2, 4}, 0.036}, Case{{1, 3, 0, 1}, 0.52}}) {
    const LinearProcess process{Matrix(2, 2, c.drift), Matrix::diagonal(2, 1)};
    const MatrixXd a = view(process.drift);
    const MatrixXd wanted = integrated(a, identity, 1);
    const auto step = exact_step(process, 1).value();
    const MatrixXd s = view(step.noise);
    EXPECT_LT(error(s * s.transpose(), wanted), 1e-9);
    EXPECT_LT(error(matrix_of(step.propagator), MatrixXd((-a).exp())), 1e-12);
    EXPECT_NEAR(error(by_symmetric_part(a, 1), wanted), c.shortcut_error, 0.005);
  }
}

TEST(ExactLawTest, AgreesWithItselfOverLongTimes) {
  const LinearProcess process{Matrix(2, 2, {1, 3, 0, 1}), Matrix::diagonal(2, 1)};
  const MatrixXd s = matrix_of(exact_step(process, 60).value().noise);
  const MatrixXd a = view(process.drift), c = s * s.transpose();
  EXPECT_LT(error(a * c + c * a.transpose(), MatrixXd::Identity(2, 2)), 1e-12);  // Lyapunov
}

TEST(ExactLawTest, GivesTheSymmetricStepBothWays) {
  const Matrix m = example_stiffness();
  const Dynamics dynamics{.mobility = 1.3, .temperature_kt = 0.7, .step = 0.4};
  const auto direct = exact_step(m, dynamics).value();
  Matrix drift = m;
  for (double& value : drift.values) value *= 1.3;
  const auto general =
      exact_step(LinearProcess{drift, Matrix::diagonal(m.rows, 2 * 1.3 * 0.7)}, 0.4).value();
  const MatrixXd s = view(direct.noise), t = view(general.noise);
  EXPECT_LT(error(t * t.transpose(), s * s.transpose()), 1e-12);
  EXPECT_LT(error(matrix_of(general.propagator), matrix_of(direct.propagator)), 1e-12);
  const MatrixXd rest = MatrixXd::Identity(s.rows(), s.rows()) - matrix_of(direct.propagator);
  EXPECT_LT(error(matrix_of(direct.response) * matrix_of(m), rest), 1e-12);
}

TEST(ExactLawTest, KnowsTheCosineOfASnapshot) {
  EXPECT_NEAR(signal_to_noise_for(0.9906) / 2, 26, 0.3);  // kT a unit, reference 3.3
  EXPECT_NEAR(snapshot_cosine(signal_to_noise_for(0.9906)), 0.9906, 1e-12);
}

TEST(ExactLawTest, RefusesWhatHasNoLaw) {
  const Matrix m = example_stiffness();
  EXPECT_THAT(exact_step(Matrix(2, 3), Dynamics{}).error().message, HasSubstr("square"));
  EXPECT_THAT(exact_step(Matrix(1, 1, {-1.0}), Dynamics{}).error().message,
              HasSubstr("positive definite"));
  EXPECT_THAT(exact_step(LinearProcess{Matrix(1, 1, {-1.0}), Matrix(1, 1)}, 1).error().message,
              HasSubstr("real part"));
  EXPECT_FALSE(exact_step(LinearProcess{m, m}, 0));
  EXPECT_FALSE(exact_step(LinearProcess{m, Matrix(1, 1)}, 1));
  EXPECT_FALSE(one_step_law(Scheme::kMala, m, {}));
  EXPECT_THAT(stationary_covariance(Scheme::kEulerMaruyama, m, {.step = 50}).error().message,
              HasSubstr("stable"));
  EXPECT_FALSE(square_root(Matrix(1, 1, {-1.0})));
}

}  // namespace
}  // namespace calx::thermo
