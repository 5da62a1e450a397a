#include "calx/thermo/moments.h"

#include <algorithm>

#include "calx/base/assert.h"

namespace calx::thermo {

Moments::Moments(std::size_t units, Keep keep)
    : keep_(keep),
      mean_(units),
      sample_(units),
      before_(units),
      sums_(keep == Keep::kCovariance ? units * units : units) {}

void Moments::add(std::span<const double> x) {
  CALX_ASSERT(x.size() == units());
  std::ranges::copy(x, sample_.begin());
  take();
}

void Moments::add(std::span<const float> x) {
  CALX_ASSERT(x.size() == units());
  std::ranges::copy(x, sample_.begin());
  take();
}

void Moments::take() {
  const double weight = 1.0 / static_cast<double>(++samples_);
  for (std::size_t i = 0; i < sample_.size(); ++i) {
    before_[i] = sample_[i] - mean_[i];
    mean_[i] += before_[i] * weight;
    sample_[i] -= mean_[i];
  }
  if (keep_ == Keep::kVariances) {
    for (std::size_t i = 0; i < sample_.size(); ++i) sums_[i] += before_[i] * sample_[i];
    return;
  }
  for (std::size_t i = 0; i < sample_.size(); ++i) {
    double* row = sums_.data() + i * sample_.size();
    for (std::size_t j = 0; j <= i; ++j) row[j] += before_[i] * sample_[j];
  }
}

std::vector<double> Moments::variances() const {
  std::vector<double> result(units());
  const double scale = samples_ < 2 ? 0 : 1.0 / static_cast<double>(samples_ - 1);
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = scale * sums_[keep_ == Keep::kCovariance ? i * units() + i : i];
  }
  return result;
}

Matrix Moments::covariance() const {
  CALX_ASSERT(keep_ == Keep::kCovariance);
  Matrix result(units(), units());
  const double scale = samples_ < 2 ? 0 : 1.0 / static_cast<double>(samples_ - 1);
  for (std::size_t i = 0; i < units(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      result(i, j) = result(j, i) = scale * sums_[i * units() + j];
    }
  }
  return result;
}

}  // namespace calx::thermo
