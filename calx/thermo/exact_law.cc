#include "calx/thermo/exact_law.h"

#include <fmt/format.h>

#include <cmath>
#include <unsupported/Eigen/MatrixFunctions>

#include "calx/thermo/eigen_view.h"

namespace calx::thermo {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int kWalkIterationsMax = 10'000;
constexpr double kWalkTolerance = 1e-14;

Result<void> check_square(const Matrix& m, std::string_view what) {
  if (m.rows == 0 || m.rows != m.columns || m.values.size() != m.rows * m.columns) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: shape [{}, {}], wanted a square matrix", what, m.rows, m.columns));
  }
  if (!view(m).allFinite()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: an element is not a finite number", what));
  }
  return {};
}

Result<EigenSolver> decompose(const Matrix& m) {
  CALX_TRY(check_square(m, "stiffness matrix"));
  EigenSolver solver{MatrixXd(view(m))};
  const double least = solver.eigenvalues().minCoeff();
  if (least > 0) return solver;
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("stiffness matrix: least eigenvalue {:.6g}, wanted a positive definite "
                          "matrix",
                          least));
}

// f(L) in the eigenbasis: V f(L) V^T.
template <class Function>
Matrix apply(const EigenSolver& solver, Function&& f) {
  const VectorXd values = solver.eigenvalues().unaryExpr(f);
  return to_matrix(solver.eigenvectors() * values.asDiagonal() * solver.eigenvectors().transpose());
}

// C of M C + C M = right, by eigenvectors.
MatrixXd lyapunov(const EigenSolver& solver, const MatrixXd& right) {
  const MatrixXd& v = solver.eigenvectors();
  MatrixXd inside = v.transpose() * right * v;
  const VectorXd& l = solver.eigenvalues();
  for (Index i = 0; i < inside.rows(); ++i) {
    for (Index j = 0; j < inside.cols(); ++j) inside(i, j) /= l(i) + l(j);
  }
  return v * inside * v.transpose();
}

Result<Matrix> walk_covariance(const EigenSolver& solver, const Matrix& m,
                               const Dynamics& dynamics) {
  const MatrixXd stiffness = view(m);
  const double h_mu = dynamics.step * dynamics.mobility;
  const MatrixXd heat =
      2 * dynamics.temperature_kt * MatrixXd::Identity(stiffness.rows(), stiffness.cols());
  MatrixXd c = lyapunov(solver, heat);
  for (int i = 0; i < kWalkIterationsMax; ++i) {
    MatrixXd off = stiffness * c * stiffness;
    off.diagonal().setZero();
    const MatrixXd next = lyapunov(solver, heat + h_mu * off);
    const double change = (next - c).norm();
    c = next;
    if (change <= kWalkTolerance * c.norm()) return to_matrix(c);
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("lattice walk: no covariance at rest for h mu = {:.6g}, wanted a smaller "
                          "step",
                          h_mu));
}

MatrixXd exponential(const MatrixXd& m) { return m.exp(); }

}  // namespace

Result<LinearStep> exact_step(const Matrix& m, const Dynamics& dynamics) {
  CALX_TRY(check(dynamics));
  CALX_ASSIGN(solver, decompose(m));
  const double h_mu = dynamics.step * dynamics.mobility;
  const VectorXd spread = solver.eigenvalues().unaryExpr([&](double l) {
    return std::sqrt(-dynamics.temperature_kt * std::expm1(-2 * h_mu * l) / l);
  });
  return LinearStep{apply(solver, [h_mu](double l) { return std::exp(-h_mu * l); }),
                    to_matrix(solver.eigenvectors() * spread.asDiagonal()),
                    apply(solver, [h_mu](double l) { return -std::expm1(-h_mu * l) / l; })};
}

Result<LinearStep> exact_step(const LinearProcess& process, double step) {
  CALX_TRY(check_square(process.drift, "drift"));
  CALX_TRY(check_square(process.diffusion, "diffusion"));
  if (process.drift.rows != process.diffusion.rows || !(step > 0) || !std::isfinite(step)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("linear process: drift of {} units, diffusion of {}, step {}; wanted "
                            "equal sizes and a finite step above 0",
                            process.drift.rows, process.diffusion.rows, step));
  }
  const MatrixXd a = view(process.drift), d = view(process.diffusion);
  const double slowest = a.eigenvalues().real().minCoeff();
  if (slowest <= 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("linear process: an eigenvalue of the drift has real part {:.6g}, "
                            "wanted all above 0",
                            slowest));
  }
  int doublings = 0;
  double h = step;
  for (; h * a.norm() > 0.5; h /= 2) ++doublings;
  const Index n = a.rows();
  MatrixXd block = MatrixXd::Zero(2 * n, 2 * n);
  block << -a * h, d * h, MatrixXd::Zero(n, n), a.transpose() * h;
  const MatrixXd power = exponential(block);
  MatrixXd propagator = power.topLeftCorner(n, n);
  MatrixXd sigma = power.topRightCorner(n, n) * propagator.transpose();
  for (int i = 0; i < doublings; ++i) {
    sigma += (propagator * sigma * propagator.transpose()).eval();
    propagator = (propagator * propagator).eval();
  }
  CALX_ASSIGN(noise, square_root(to_matrix((sigma + sigma.transpose()) / 2)));
  return LinearStep{to_matrix(propagator), noise, {}};
}

Result<OneStep> one_step_law(Scheme scheme, const Matrix& m, const Dynamics& dynamics) {
  CALX_TRY(check(dynamics));
  CALX_ASSIGN(solver, decompose(m));
  const double h_mu = dynamics.step * dynamics.mobility, kt = dynamics.temperature_kt;
  const Matrix euler = apply(solver, [h_mu](double l) { return 1 - h_mu * l; });
  const auto white = [&](double scale) { return Matrix::diagonal(m.rows, scale * h_mu * kt); };
  switch (scheme) {
    case Scheme::kExactOu:
      return OneStep{
          apply(solver, [h_mu](double l) { return std::exp(-h_mu * l); }),
          apply(solver, [h_mu, kt](double l) { return -kt * std::expm1(-2 * h_mu * l) / l; })};
    case Scheme::kLeimkuhlerMatthews:
      return OneStep{euler, white(1)};  // (xi + xi')/2 has variance 1/2
    case Scheme::kEulerMaruyama:
    case Scheme::kLatticeWalk:
      return OneStep{euler, white(2)};
    case Scheme::kHeun:
      return OneStep{apply(solver,
                           [h_mu](double l) {
                             const double a = h_mu * l;
                             return 1 - a + a * a / 2;
                           }),
                     apply(solver, [h_mu, kt](double l) {
                       const double half = 1 - h_mu * l / 2;
                       return 2 * h_mu * kt * half * half;
                     })};
    case Scheme::kMala:
      break;
  }
  return fail(ErrorCode::kInvalidArgument,
              "one-step law: MALA refuses some of its moves and has no closed form");
}

Result<Matrix> stationary_covariance(Scheme scheme, const Matrix& m, const Dynamics& dynamics) {
  CALX_TRY(check(dynamics));
  CALX_ASSIGN(solver, decompose(m));
  CALX_TRY(check_step(scheme, dynamics, solver.eigenvalues().maxCoeff()));
  const double h_mu = dynamics.step * dynamics.mobility, kt = dynamics.temperature_kt;
  if (scheme == Scheme::kLatticeWalk) return walk_covariance(solver, m, dynamics);
  if (scheme == Scheme::kEulerMaruyama) {
    return apply(solver, [&](double l) { return kt / (l * (1 - h_mu * l / 2)); });
  }
  if (scheme == Scheme::kHeun) {
    return apply(solver, [&](double l) {
      const double a = h_mu * l, keep = 1 - a + a * a / 2, half = 1 - a / 2;
      return kt / l * 2 * a * half * half / (1 - keep * keep);
    });
  }
  return apply(solver, [kt](double l) { return kt / l; });
}

Result<Matrix> equilibrium_covariance(const Matrix& m, double temperature_kt) {
  CALX_TRY(check(Dynamics{.temperature_kt = temperature_kt}));
  CALX_ASSIGN(solver, decompose(m));
  return apply(solver, [temperature_kt](double l) { return temperature_kt / l; });
}

Result<Matrix> square_root(const Matrix& covariance) {
  CALX_TRY(check_square(covariance, "covariance"));
  const EigenSolver solver{MatrixXd(view(covariance))};
  const double least = solver.eigenvalues().minCoeff();
  if (least < -1e-10 * solver.eigenvalues().cwiseAbs().maxCoeff()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("covariance: least eigenvalue {:.6g}, wanted none below 0", least));
  }
  const VectorXd roots = solver.eigenvalues().cwiseMax(0.0).cwiseSqrt();
  return to_matrix(solver.eigenvectors() * roots.asDiagonal());
}

double snapshot_cosine(double signal_to_noise) noexcept {
  return std::sqrt(signal_to_noise / (1 + signal_to_noise));
}

double signal_to_noise_for(double cosine) noexcept {
  return cosine * cosine / (1 - cosine * cosine);
}

}  // namespace calx::thermo
