#include "calx/thermo/reversal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <new>

#include "calx/base/assert.h"
#include "calx/thermo/eigen_view.h"

namespace calx::thermo {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index kRowsAtOnce = 1024;

using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::Map<RowMajor> sums(Matrix& matrix) {
  return {matrix.values.data(), static_cast<Index>(matrix.rows),
          static_cast<Index>(matrix.columns)};
}

Eigen::Map<VectorXd> sums(std::vector<double>& values) {
  return {values.data(), static_cast<Index>(values.size())};
}

}  // namespace

Result<ReversalFit> ReversalFit::create(std::size_t units, double j2, double j4,
                                        const Dynamics& dynamics) try {
  CALX_TRY(check(dynamics));
  if (units == 0 || units > kIntraUnitsMax || !std::isfinite(j2) || !std::isfinite(j4) || j4 < 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("reversal: {} units with J2 {} and J4 {}, wanted 1 to {} units and a "
                            "finite J4 of at least 0",
                            units, j2, j4, kIntraUnitsMax));
  }
  ReversalFit fit;
  fit.units_ = units;
  fit.j2_ = j2;
  fit.j4_ = j4;
  fit.dynamics_ = dynamics;
  fit.state_.resize(units);
  fit.residual_.resize(units);
  fit.square_ = Matrix(units, units);
  fit.cross_ = Matrix(units, units);
  return fit;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("reversal: no memory for {} units", units));
}

Result<void> ReversalFit::add(std::span<const float> before, std::span<const float> after) {
  if (before.empty() || before.size() != after.size() || before.size() % units_ != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("reversal: {} and {} values of {} units, wanted equal whole rows",
                            before.size(), after.size(), units_));
  }
  const auto finite = [](float value) { return std::isfinite(value); };
  if (!std::ranges::all_of(before, finite) || !std::ranges::all_of(after, finite)) {
    return fail(ErrorCode::kInvalidArgument, "reversal: a state is not a finite number");
  }
  const auto n = static_cast<Index>(units_);
  const auto rows = static_cast<Index>(before.size()) / n;
  const Eigen::Map<const Floats> from(before.data(), rows, n), to(after.data(), rows, n);
  const double h_mu = dynamics_.step * dynamics_.mobility;
  for (Index first = 0; first < rows; first += kRowsAtOnce) {
    const Index some = std::min(kRowsAtOnce, rows - first);
    const RowMajor x = to.middleRows(first, some).cast<double>();
    const RowMajor r = from.middleRows(first, some).cast<double>().array() - x.array() +
                       h_mu * (2 * j2_ * x.array() + 4 * j4_ * x.array().cube());
    sums(square_).noalias() += x.transpose() * x;
    sums(cross_).noalias() += r.transpose() * x;
    sums(state_) += x.colwise().sum().transpose();
    sums(residual_) += r.colwise().sum().transpose();
    power_ += r.squaredNorm();
  }
  steps_ += static_cast<std::uint64_t>(rows);
  return {};
}

Result<void> ReversalFit::merge(const ReversalFit& other) {
  const Dynamics &a = dynamics_, &b = other.dynamics_;
  if (units_ != other.units_ || j2_ != other.j2_ || j4_ != other.j4_ || a.step != b.step ||
      a.mobility != b.mobility || a.temperature_kt != b.temperature_kt) {
    return fail(ErrorCode::kInvalidArgument,
                "reversal: fits of other units, energies or dynamics cannot be added up");
  }
  const auto add = [](std::vector<double>& to, const std::vector<double>& from) {
    std::ranges::transform(to, from, to.begin(), std::plus{});
  };
  add(state_, other.state_);
  add(residual_, other.residual_);
  add(square_.values, other.square_.values);
  add(cross_.values, other.cross_.values);
  power_ += other.power_;
  steps_ += other.steps_;
  return {};
}

double ReversalFit::cost(const Couplings& couplings) const {
  CALX_ASSERT(steps_ > 0 && couplings.bias.size() == units_ && couplings.intra.rows == units_);
  const MatrixXd k = view(couplings.intra), s = view(square_), g = view(cross_);
  const VectorXd b = view(couplings.bias), m = view(state_), r = view(residual_);
  const double h_mu = dynamics_.step * dynamics_.mobility;
  const auto n = static_cast<double>(steps_);
  const double linear = k.cwiseProduct(g).sum() - b.dot(r);
  const double square = (k * s).cwiseProduct(k).sum() - 2 * b.dot(k * m) + n * b.squaredNorm();
  const double total = power_ + 2 * h_mu * linear + h_mu * h_mu * square;
  return total / (4 * h_mu * dynamics_.temperature_kt * n);
}

Couplings ReversalFit::gradient(const Couplings& couplings) const {
  CALX_ASSERT(steps_ > 0 && couplings.bias.size() == units_ && couplings.intra.rows == units_);
  const MatrixXd k = view(couplings.intra), s = view(square_), g = view(cross_);
  const VectorXd b = view(couplings.bias), m = view(state_), r = view(residual_);
  const double h_mu = dynamics_.step * dynamics_.mobility;
  const auto n = static_cast<double>(steps_);
  const double scale = 1 / (2 * dynamics_.temperature_kt * n);
  MatrixXd by_k = scale * (g + h_mu * (k * s - b * m.transpose()));
  by_k = (by_k + by_k.transpose()).eval();
  by_k.diagonal() /= 2;
  const VectorXd by_b = -scale * (r + h_mu * (k * m - n * b));
  return {to_matrix(by_k), to_vector(by_b)};
}

Result<Couplings> ReversalFit::best(double ridge) const {
  if (steps_ < 2 || !(ridge > 0) || !std::isfinite(ridge)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("reversal: {} steps with ridge {}, wanted at least 2 and a ridge above "
                            "0",
                            steps_, ridge));
  }
  const VectorXd m = view(state_), r = view(residual_);
  const double h_mu = dynamics_.step * dynamics_.mobility;
  const auto n = static_cast<double>(steps_);
  // The bias is eliminated: b = (K m + r / (mu h)) / n.
  MatrixXd s = view(square_) - m * m.transpose() / n;
  const MatrixXd g = view(cross_) - r * m.transpose() / n;
  s.diagonal().array() += ridge * s.trace() / static_cast<double>(units_);
  const EigenSolver solver(s);
  const MatrixXd& v = solver.eigenvectors();
  MatrixXd inside = v.transpose() * (-(g + g.transpose()) / h_mu) * v;
  for (Index i = 0; i < inside.rows(); ++i) {
    for (Index j = 0; j < inside.cols(); ++j) {
      inside(i, j) /= solver.eigenvalues()(i) + solver.eigenvalues()(j);
    }
  }
  MatrixXd k = v * inside * v.transpose();
  k = ((k + k.transpose()) / 2).eval();
  const VectorXd b = (k * m + r / h_mu) / n;
  return Couplings{to_matrix(k), to_vector(b)};
}

Substrate ReversalFit::substrate(const Couplings& couplings) const {
  Substrate s;
  s.modules = {{.name = "image",
                .units = units_,
                .quadratic = {j2_},
                .quartic = {j4_},
                .intra = couplings.intra,
                .bias = couplings.bias}};
  return s;
}

double path_log_ratio(std::span<const double> before, std::span<const double> after,
                      std::span<const double> gradient_before,
                      std::span<const double> gradient_after, const Dynamics& dynamics) {
  CALX_ASSERT(before.size() == after.size() && before.size() == gradient_before.size() &&
              before.size() == gradient_after.size());
  const double h_mu = dynamics.step * dynamics.mobility;
  double difference = 0;  // of the squared misses of the reverse and of the forward step
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double far = after[i] - before[i];
    const double forward = far + h_mu * gradient_before[i];
    const double reverse = -far + h_mu * gradient_after[i];
    difference += reverse * reverse - forward * forward;
  }
  return difference / (4 * h_mu);
}

}  // namespace calx::thermo
