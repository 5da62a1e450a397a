// Mean and covariance of a run, one sample at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/thermo/matrix.h"

namespace calx::thermo {

/// Welford's sums. The same samples in the same order give the same bits.
/// Cost: units^2 a sample, or units if only variances are kept.
class Moments {
 public:
  enum class Keep { kVariances, kCovariance };
  explicit Moments(std::size_t units, Keep keep = Keep::kCovariance);

  /// \pre x.size() == units()
  void add(std::span<const double> x);
  void add(std::span<const float> x);

  [[nodiscard]] std::size_t units() const noexcept { return mean_.size(); }
  [[nodiscard]] std::uint64_t samples() const noexcept { return samples_; }
  [[nodiscard]] const std::vector<double>& mean() const noexcept { return mean_; }
  /// About the mean of the samples, over samples - 1; 0 for fewer than two.
  [[nodiscard]] std::vector<double> variances() const;
  /// \pre kept
  [[nodiscard]] Matrix covariance() const;

 private:
  void take();

  Keep keep_;
  std::uint64_t samples_ = 0;
  std::vector<double> mean_, sample_, before_;
  std::vector<double> sums_;  // [units] or [units, units]: lower triangle
};

}  // namespace calx::thermo
