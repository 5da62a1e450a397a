#include "calx/eval/frechet.h"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace calx::eval {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<const Matrix>;
using VectorView = Eigen::Map<const Eigen::VectorXd>;

MatrixView view(const Gaussian& gaussian) {
  const auto d = static_cast<Eigen::Index>(gaussian.dimensions());
  return {gaussian.covariance.data(), d, d};
}

Result<void> check(const Gaussian& gaussian) {
  const std::size_t d = gaussian.dimensions();
  if (d >= 1 && d <= kFeaturesMax && gaussian.covariance.size() == d * d) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("Gaussian of {} dimensions with {} covariances: wanted 1 to {} "
                          "dimensions",
                          d, gaussian.covariance.size(), kFeaturesMax));
}

// Rounding leaves eigenvalues of a singular covariance a little below zero.
Eigen::VectorXd roots(const Eigen::VectorXd& eigenvalues) {
  return eigenvalues.cwiseMax(0.0).cwiseSqrt();
}

}  // namespace

Result<Gaussian> fit_gaussian(std::span<const float> features, std::size_t dimensions,
                              std::span<const std::uint32_t> counts) {
  const std::size_t n = dimensions == 0 ? 0 : features.size() / dimensions;
  if (dimensions == 0 || dimensions > kFeaturesMax || features.size() != n * dimensions ||
      (!counts.empty() && counts.size() != n)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} features of {} dimensions with {} counts do not fit together",
                            features.size(), dimensions, counts.size()));
  }
  if (!std::ranges::all_of(features, [](float value) { return std::isfinite(value); })) {
    return fail(ErrorCode::kInvalidArgument, "features: a number is not finite");
  }
  std::vector<double> weights(n, 1.0);
  if (!counts.empty()) std::ranges::copy(counts, weights.begin());
  const VectorView w(weights.data(), static_cast<Eigen::Index>(n));
  const double total = w.sum();
  if (total < 2) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a covariance of {} rows: wanted at least 2", total));
  }
  const auto rows = static_cast<Eigen::Index>(n), columns = static_cast<Eigen::Index>(dimensions);
  using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Matrix x = Eigen::Map<const Floats>(features.data(), rows, columns).cast<double>();
  const Eigen::VectorXd mean = x.transpose() * w / total;
  x.rowwise() -= mean.transpose();
  x.array().colwise() *= w.array().sqrt();

  Gaussian gaussian;
  gaussian.mean.assign(mean.data(), mean.data() + mean.size());
  gaussian.covariance.resize(dimensions * dimensions);
  Eigen::Map<Matrix>(gaussian.covariance.data(), columns, columns) =
      x.transpose() * x / (total - 1);
  return gaussian;
}

Result<double> frechet_distance(const Gaussian& a, const Gaussian& b) {
  CALX_TRY(check(a));
  CALX_TRY(check(b));
  if (a.dimensions() != b.dimensions()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("Frechet distance of {} and {} dimensions: wanted equal ones",
                            a.dimensions(), b.dimensions()));
  }
  const auto d = static_cast<Eigen::Index>(a.dimensions());
  const double apart = (VectorView(a.mean.data(), d) - VectorView(b.mean.data(), d)).squaredNorm();

  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> first(view(a));
  if (first.info() != Eigen::Success) {
    return fail(ErrorCode::kInternal, "Frechet distance: no eigenvalues of the first covariance");
  }
  const Eigen::MatrixXd half = first.eigenvectors() * roots(first.eigenvalues()).asDiagonal() *
                               first.eigenvectors().transpose();
  const Eigen::MatrixXd product = half * view(b) * half;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> both(product, Eigen::EigenvaluesOnly);
  if (both.info() != Eigen::Success) {
    return fail(ErrorCode::kInternal, "Frechet distance: no eigenvalues of the product");
  }
  const double spread = view(a).trace() + view(b).trace() - 2 * roots(both.eigenvalues()).sum();
  return apart + std::max(spread, 0.0);
}

}  // namespace calx::eval
