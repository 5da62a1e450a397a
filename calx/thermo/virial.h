// The cheapest thermometer: <x_i dE/dx_i> = kT for every unit of any energy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/thermo/certificate.h"
#include "calx/thermo/sampler.h"

namespace calx::thermo {

struct VirialFigures {
  double temperature_kt = 0;  // mean over units and samples
  double wanted_kt = 0;
  double temperature_error = 0;  // standard error, by the spread of the samples' own means
  double worst_sigmas = 0;       // of a single unit
  std::size_t worst_unit = 0;
};

class VirialMeter {
 public:
  explicit VirialMeter(std::size_t units);

  /// Adds the present state of every chain. Errors: as Sampler::gradient.
  template <class Real>
  Result<void> add(const Sampler<Real>& sampler);

  [[nodiscard]] std::uint64_t samples() const noexcept { return samples_; }
  /// `independent` as in GaussianJudge.
  [[nodiscard]] VirialFigures figures(double temperature_kt, double independent) const;
  /// The checks "virial" (all units together) and "virial of each unit".
  [[nodiscard]] Certificate judge(double temperature_kt, double independent) const;

 private:
  std::vector<double> sum_, square_;
  double total_ = 0, total_square_ = 0;
  std::uint64_t samples_ = 0;
};

extern template Result<void> VirialMeter::add(const Sampler<float>&);
extern template Result<void> VirialMeter::add(const Sampler<double>&);

}  // namespace calx::thermo
