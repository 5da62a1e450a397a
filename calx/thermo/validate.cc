#include "calx/thermo/validate.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/thermo/exact_law.h"

namespace calx::thermo {
namespace {

constexpr double kPublishedCosine = 0.9906;

}  // namespace

Result<Assessment> validate(const Substrate& substrate, const Dynamics& dynamics) {
  CALX_TRY(check(dynamics));
  CALX_ASSIGN(stiffness, Stiffness::of(substrate));
  Assessment a;
  a.free_units = stiffness.units();
  a.wiring = wiring(substrate);
  a.quartic = std::ranges::any_of(substrate.modules, [](const Module& module) {
    return !module.clamped && std::ranges::any_of(module.quartic, [](double j4) { return j4 > 0; });
  });
  a.positive_definite = stiffness.positive_definite();
  if (!a.positive_definite) return a;
  a.spectrum = stiffness.spectrum();
  a.condition = a.spectrum.largest / a.spectrum.least;
  a.relaxation = relaxation(a.spectrum, dynamics);
  a.euler_step_max = 2 * a.relaxation.tau_fast;

  const Places place = places(substrate);
  std::vector<double> bias(place.free_units);
  for (std::size_t m = 0; m < substrate.modules.size(); ++m) {
    if (substrate.modules[m].clamped) continue;
    std::ranges::copy(substrate.modules[m].bias,
                      bias.begin() + static_cast<std::ptrdiff_t>(place.offset[m]));
  }
  CALX_ASSIGN(mean, stiffness.solve(bias));
  CALX_ASSIGN(trace, stiffness.trace_of_inverse());
  double work = 0, power = 0;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    work += mean[i] * bias[i] / 2;
    power += mean[i] * mean[i];
  }
  a.signal_kt = work / dynamics.temperature_kt;
  a.signal_to_noise = power / (dynamics.temperature_kt * trace);
  a.snapshot_cosine = snapshot_cosine(a.signal_to_noise);
  a.snapshots_needed = signal_to_noise_for(kPublishedCosine) / a.signal_to_noise;
  return a;
}

std::string describe(const Assessment& a) {
  std::string text = fmt::format(
      "free units        {}\n"
      "coupling wires    {} (in full: {})\n"
      "intra wires       {}\n"
      "DAC writes        {} to program, {} clamps an input\n",
      a.free_units, a.wiring.coupling_wires, a.wiring.full_wires, a.wiring.intra_wires,
      a.wiring.program_writes, a.wiring.clamp_writes);
  if (!a.positive_definite) return text + "quadratic part    indefinite, held by quartic terms\n";
  text += fmt::format(
      "eigenvalues       {:.6g} to {:.6g}, condition {:.6g}\n"
      "relaxation times  {:.6g} to {:.6g}, explicit steps below {:.6g}\n"
      "signal            {:.6g} kT, {:.6g} of the noise; one snapshot has cosine {:.4f}\n",
      a.spectrum.least, a.spectrum.largest, a.condition, a.relaxation.tau_fast,
      a.relaxation.tau_slow, a.euler_step_max, a.signal_kt, a.signal_to_noise, a.snapshot_cosine);
  return a.quartic ? text + "quartic terms     not in these figures\n" : text;
}

}  // namespace calx::thermo
