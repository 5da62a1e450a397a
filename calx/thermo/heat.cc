#include "calx/thermo/heat.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

namespace calx::thermo {

template <class Real>
Result<HeatMeter<Real>> HeatMeter<Real>::begin(const Sampler<Real>& sampler) try {
  HeatMeter meter;
  const std::size_t units = sampler.units();
  meter.state_.assign(sampler.state().begin(), sampler.state().end());
  meter.gradient_.resize(meter.state_.size());
  meter.heat_.resize(sampler.chains());
  for (std::uint32_t c = 0; c < sampler.chains(); ++c) {
    CALX_TRY(sampler.gradient(c, std::span(meter.gradient_).subspan(c * units, units)));
  }
  return meter;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted, "heat: no memory for a second state of the chains");
}

template <class Real>
Result<void> HeatMeter<Real>::observe(const Sampler<Real>& sampler) {
  const std::size_t units = sampler.units();
  if (sampler.state().size() != state_.size() || sampler.chains() != heat_.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("heat: a sampler of {} values, wanted the one of {} it began with",
                            sampler.state().size(), state_.size()));
  }
  std::vector<Real> now(units);
  for (std::uint32_t c = 0; c < sampler.chains(); ++c) {
    CALX_TRY(sampler.gradient(c, now));
    const auto x = sampler.state().subspan(c * units, units);
    Real* before = state_.data() + c * units;
    Real* gradient = gradient_.data() + c * units;
    double work = 0;
    for (std::size_t i = 0; i < units; ++i) {
      work += (double{gradient[i]} + double{now[i]}) / 2 * (double{x[i]} - double{before[i]});
      before[i] = x[i];
      gradient[i] = now[i];
    }
    heat_[c] -= work;
  }
  return {};
}

template class HeatMeter<float>;
template class HeatMeter<double>;

}  // namespace calx::thermo
