// Heat that chains give to their bath, by Sekimoto's sum.
#pragma once

#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/sampler.h"

namespace calx::thermo {

/// Q = - sum over steps of 1/2 (grad E(x) + grad E(x')) (x' - x): the Stratonovich product, so that
/// for a fixed quadratic energy Q is E(start) - E(end) exactly, and for a quartic one up to order
/// |x' - x|^3 a step. In the unit of the energy; heat given to the bath is positive.
/// Source: Sekimoto, Stochastic Energetics (2010), 4.1.
template <class Real>
class HeatMeter {
 public:
  /// Remembers where every chain stands. Errors: as Sampler::gradient.
  static Result<HeatMeter> begin(const Sampler<Real>& sampler);

  /// Call after each step that is to be resolved. Errors: as Sampler::gradient.
  Result<void> observe(const Sampler<Real>& sampler);

  /// [chains], since begin().
  [[nodiscard]] std::span<const double> heat() const noexcept { return heat_; }

 private:
  std::vector<Real> state_, gradient_;  // [chains, units]
  std::vector<double> heat_;
};

extern template class HeatMeter<float>;
extern template class HeatMeter<double>;

}  // namespace calx::thermo
