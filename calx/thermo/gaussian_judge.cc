#include "calx/thermo/gaussian_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "calx/base/assert.h"
#include "calx/thermo/eigen_view.h"

namespace calx::thermo {
namespace {

constexpr double kCoverage = 0.9;
constexpr double kCoverageHalfWidth = 1.6448536269514722;  // of N(0, 1), 5 % on either side
constexpr double kFrobeniusBand = 0.1;

}  // namespace

Result<GaussianJudge> GaussianJudge::create(std::span<const double> mean,
                                            const Matrix& covariance) {
  const std::size_t n = mean.size();
  if (n == 0 || covariance.rows != n || covariance.columns != n ||
      covariance.values.size() != n * n) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("judge: mean of {} units with a covariance of shape [{}, {}]", n,
                            covariance.rows, covariance.columns));
  }
  const EigenSolver solver{Eigen::MatrixXd(view(covariance))};
  const double least = solver.eigenvalues().minCoeff();
  if (!(least > 0)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("judge: covariance with an eigenvalue of {:.6g}, wanted all above 0", least));
  }
  GaussianJudge judge;
  judge.units_ = n;
  judge.mean_.assign(mean.begin(), mean.end());
  judge.whitening_ = to_matrix(solver.eigenvalues().cwiseSqrt().cwiseInverse().asDiagonal() *
                               solver.eigenvectors().transpose())
                         .values;
  judge.sample_.resize(n);
  judge.whitened_.resize(n);
  judge.sum_.resize(n);
  judge.square_.resize(n * n);
  return judge;
}

std::vector<double> GaussianJudge::whiten(std::span<const double> x) const {
  CALX_ASSERT(x.size() == units_);
  std::vector<double> result(units_);
  for (std::size_t i = 0; i < units_; ++i) {
    for (std::size_t j = 0; j < units_; ++j) {
      result[i] += whitening_[i * units_ + j] * (x[j] - mean_[j]);
    }
  }
  return result;
}

void GaussianJudge::add(std::span<const double> x) { add(x, mean_); }

void GaussianJudge::add(std::span<const float> x) {
  CALX_ASSERT(x.size() == units_);
  for (std::size_t i = 0; i < units_; ++i) sample_[i] = double{x[i]} - mean_[i];
  take();
}

void GaussianJudge::add(std::span<const double> x, std::span<const double> mean) {
  CALX_ASSERT(x.size() == units_ && mean.size() == units_);
  for (std::size_t i = 0; i < units_; ++i) sample_[i] = x[i] - mean[i];
  take();
}

void GaussianJudge::take() {
  for (std::size_t i = 0; i < units_; ++i) {
    double w = 0;
    for (std::size_t j = 0; j < units_; ++j) w += whitening_[i * units_ + j] * sample_[j];
    whitened_[i] = w;
    inside_ += std::abs(w) <= kCoverageHalfWidth ? 1 : 0;
    sum_[i] += w;
    double* row = square_.data() + i * units_;
    for (std::size_t j = 0; j <= i; ++j) row[j] += w * whitened_[j];
  }
  ++samples_;
}

GaussianFigures GaussianJudge::figures(double independent) const {
  GaussianFigures f;
  if (samples_ == 0) return f;
  const auto n = static_cast<double>(samples_), d = static_cast<double>(units_);
  const auto size = static_cast<Eigen::Index>(units_);
  Eigen::MatrixXd s =
      Eigen::Map<const RowMajor>(square_.data(), size, size).triangularView<Eigen::Lower>();
  s /= n;
  s.triangularView<Eigen::StrictlyUpper>() = s.transpose();
  const Eigen::VectorXd mean = view(sum_) / n;

  f.mean_sigmas = (independent * mean.squaredNorm() - d) / std::sqrt(2 * d);
  f.trace_ratio = s.trace() / d;
  f.trace_sigmas = (f.trace_ratio - 1) / std::sqrt(2 / (independent * d));
  const Eigen::MatrixXd off = s - Eigen::MatrixXd::Identity(size, size);
  f.frobenius_ratio = off.norm() / std::sqrt((d * d + d) / independent);
  const Eigen::MatrixXd centred = s - mean * mean.transpose();
  const Eigen::LLT<Eigen::MatrixXd> factor(centred);
  const double log_det =
      factor.info() == Eigen::Success
          ? 2 * Eigen::MatrixXd(factor.matrixL()).diagonal().array().log().sum()
          : -std::numeric_limits<double>::infinity();  // fewer samples than units: the estimate has
                                                       // no density
  const double divergence = (centred.trace() + mean.squaredNorm() - d - log_det) / 2;
  f.divergence_ratio = divergence * 4 * independent / (d * (d + 3));
  f.mode_sigmas = off.diagonal().cwiseAbs().maxCoeff() / std::sqrt(2 / independent);
  f.coverage = static_cast<double>(inside_) / (n * d);
  f.coverage_sigmas =
      (f.coverage - kCoverage) / std::sqrt(kCoverage * (1 - kCoverage) / (independent * d));
  return f;
}

Certificate GaussianJudge::judge(double independent, bool normal) const {
  const GaussianFigures f = figures(independent);
  const auto d = static_cast<double>(units_);
  Certificate c;
  c.book("samples", independent >= kJudgedSamplesMin,
         fmt::format("{:.0f} independent samples, wanted at least {:.0f}", independent,
                     kJudgedSamplesMin));
  c.book("mean", f.mean_sigmas <= kSigmaMax,
         fmt::format("the mean is off by {:.1f} sigma", f.mean_sigmas));
  c.book("trace", std::abs(f.trace_sigmas) <= kSigmaMax,
         fmt::format("variances are {:.4f} of the law's, {:.1f} sigma", f.trace_ratio,
                     f.trace_sigmas));
  // The ratio spreads by about 1 / D itself.
  const double band = std::max(kFrobeniusBand, kSigmaMax / d);
  c.book("frobenius", std::abs(f.frobenius_ratio - 1) <= band,
         fmt::format("the covariance is off by {:.3f} of what chance would do, wanted 1 +- {:.2f}",
                     f.frobenius_ratio, band));
  // 2 n KL is chi-square of D (D + 3) / 2, and larger by about D / n of itself.
  const double spread = 2 / std::sqrt(d * (d + 3));
  const bool near = f.divergence_ratio >= 1 - kSigmaMax * spread &&
                    f.divergence_ratio <= 1 + kSigmaMax * spread + 2 * d / independent;
  c.book("divergence", near || !normal,
         fmt::format("the divergence from the law is {:.3f} of what chance would do, wanted 1 +- "
                     "{:.2f}",
                     f.divergence_ratio, kSigmaMax * spread));
  c.book("modes", f.mode_sigmas <= kSigmaMax,
         fmt::format("the variance of one mode is off by {:.1f} sigma", f.mode_sigmas));
  if (normal) {
    c.book("coverage", std::abs(f.coverage_sigmas) <= kSigmaMax,
           fmt::format("the central 90 % hold {:.2f} %, {:.1f} sigma", 100 * f.coverage,
                       f.coverage_sigmas));
  }
  return c;
}

}  // namespace calx::thermo
