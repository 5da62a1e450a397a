// What can be said about a substrate before it runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/dynamics.h"
#include "calx/thermo/stiffness.h"
#include "calx/thermo/substrate.h"

namespace calx::thermo {

struct Assessment {
  std::size_t free_units = 0;
  Wiring wiring;
  bool quartic = false;
  bool positive_definite = false;  // false only with quartic terms; then all below but wiring is 0
  Spectrum spectrum;               // of M
  double condition = 0;
  Relaxation relaxation;
  double euler_step_max = 0;    // 2 / (mu lambda_max): beyond it explicit schemes diverge
  double signal_kt = 0;         // 1/2 z^T M z / kT, z = M^-1 b: also the heat of a sudden bias
  double signal_to_noise = 0;   // |z|^2 / (kT tr M^-1)
  double snapshot_cosine = 0;   // expected of one thermal snapshot, by the signal-to-noise law
  double snapshots_needed = 0;  // to average for a cosine of 0.9906; infinite without a signal
};

/// Refuses what cannot run and assesses the rest, for the modules' own bias and no clamped force.
/// With quartic terms the numbers are those of the quadratic part alone.
/// Errors: as Stiffness::of and check(dynamics).
Result<Assessment> validate(const Substrate& substrate, const Dynamics& dynamics);

/// The assessment in lines of text, wires and writes first.
std::string describe(const Assessment& assessment);

}  // namespace calx::thermo
