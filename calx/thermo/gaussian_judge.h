// Do samples follow N(mean, covariance)? Six figures of the whitened samples, each with its spread
// under the law.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/certificate.h"
#include "calx/thermo/matrix.h"

namespace calx::thermo {

/// For w = L^-1/2 V^T (x - mean) with C = V L V^T, which is N(0, I) under the law; n samples, S
/// their second moment about 0. A sigma is the figure's standard deviation under the law.
struct GaussianFigures {
  double mean_sigmas = 0;       // of n |mean w|^2 against chi-square of D
  double trace_ratio = 0;       // tr S / D, 1 under the law: the only one that sees 1 % of heat
  double trace_sigmas = 0;      // by sqrt(2 / (n D))
  double frobenius_ratio = 0;   // |S - I| over sqrt((D^2 + D) / n)
  double divergence_ratio = 0;  // KL(estimate | law) over D (D + 3) / (4 n)
  double mode_sigmas = 0;       // the worst single mode's variance, by sqrt(2 / n)
  double coverage = 0;          // share of all w within the central 90 %
  double coverage_sigmas = 0;
};

class GaussianJudge {
 public:
  /// Errors: kInvalidArgument (sizes; covariance not positive definite). Cost: 9 D^3.
  static Result<GaussianJudge> create(std::span<const double> mean, const Matrix& covariance);

  /// Adds a sample, about the law's mean or one of its own (chains under different inputs).
  /// \pre sizes of D. Cost: D^2.
  void add(std::span<const double> x);
  void add(std::span<const float> x);
  void add(std::span<const double> x, std::span<const double> mean);

  [[nodiscard]] std::uint64_t samples() const noexcept { return samples_; }
  /// The whitened form of x about the law's mean.
  [[nodiscard]] std::vector<double> whiten(std::span<const double> x) const;

  /// `independent`: how many independent samples the ones added are worth; all of them for exact
  /// draws and for single snapshots of separate chains, samples / (2 tau_int) along a trajectory.
  [[nodiscard]] GaussianFigures figures(double independent) const;

  /// The checks "samples", "mean", "trace", "frobenius", "divergence", "modes" and, for laws that
  /// are normal, "coverage". The lattice walk's is not: its moves are of one size, its kurtosis is
  /// lower, and the spreads used here are then too wide, not too narrow.
  [[nodiscard]] Certificate judge(double independent, bool normal = true) const;

 private:
  GaussianJudge() = default;
  void take();

  std::size_t units_ = 0;
  std::vector<double> mean_, whitening_, sample_, whitened_;
  std::vector<double> sum_, square_;  // [D], [D, D] lower triangle
  std::uint64_t samples_ = 0, inside_ = 0;
};

}  // namespace calx::thermo
