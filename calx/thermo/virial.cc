#include "calx/thermo/virial.h"

#include <fmt/format.h>

#include <cmath>

namespace calx::thermo {

VirialMeter::VirialMeter(std::size_t units) : sum_(units), square_(units) {}

template <class Real>
Result<void> VirialMeter::add(const Sampler<Real>& sampler) {
  if (sampler.units() != sum_.size()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("virial: a sampler of {} units, wanted {}",
                                                         sampler.units(), sum_.size()));
  }
  std::vector<Real> gradient(sum_.size());
  for (std::uint32_t c = 0; c < sampler.chains(); ++c) {
    CALX_TRY(sampler.gradient(c, gradient));
    const auto x = sampler.state().subspan(c * sum_.size(), sum_.size());
    double mean = 0;
    for (std::size_t i = 0; i < sum_.size(); ++i) {
      const double product = double{x[i]} * double{gradient[i]};
      sum_[i] += product;
      square_[i] += product * product;
      mean += product / static_cast<double>(sum_.size());
    }
    total_ += mean;
    total_square_ += mean * mean;
    ++samples_;
  }
  return {};
}

VirialFigures VirialMeter::figures(double temperature_kt, double independent) const {
  VirialFigures f;
  f.wanted_kt = temperature_kt;
  if (samples_ == 0) return f;
  const auto n = static_cast<double>(samples_);
  f.temperature_kt = total_ / n;
  f.temperature_error =
      std::sqrt((total_square_ / n - f.temperature_kt * f.temperature_kt) / independent);
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    const double mean = sum_[i] / n;
    const double error = std::sqrt((square_[i] / n - mean * mean) / independent);
    const double sigmas = std::abs(mean - temperature_kt) / error;
    // Written so that a sigma that is not a number counts as the worst.
    if (!(sigmas <= f.worst_sigmas)) {
      f.worst_sigmas = std::isnan(sigmas) ? INFINITY : sigmas;
      f.worst_unit = i;
    }
  }
  return f;
}

Certificate VirialMeter::judge(double temperature_kt, double independent) const {
  const VirialFigures f = figures(temperature_kt, independent);
  Certificate c;
  const double sigmas = (f.temperature_kt - temperature_kt) / f.temperature_error;
  c.book("virial", std::abs(sigmas) <= kSigmaMax,
         fmt::format("the temperature is {:.5g} +- {:.2g}, wanted {:.5g}", f.temperature_kt,
                     f.temperature_error, temperature_kt));
  c.book("virial of each unit", f.worst_sigmas <= kSigmaMax,
         fmt::format("unit {} is off by {:.1f} sigma", f.worst_unit, f.worst_sigmas));
  return c;
}

template Result<void> VirialMeter::add(const Sampler<float>&);
template Result<void> VirialMeter::add(const Sampler<double>&);

}  // namespace calx::thermo
