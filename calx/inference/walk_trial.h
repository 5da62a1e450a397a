// A long lattice random walk on double SHA-256, held against its own law, against the virial, and
// against Euler-Maruyama's law, which it must not have.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/gaussian_judge.h"
#include "calx/thermo/sampler.h"
#include "calx/thermo/virial.h"

namespace calx::inference {

struct WalkTask {
  thermo::Substrate substrate;
  double step = 0.1;  // h; mobility and kT are 1
  std::uint32_t chains = 4096;
  std::uint64_t unit_steps = 1'000'000'000;  // at least, after the burn-in
  bool cold = true;                // from 0, or else from an exact draw of the equilibrium
  std::string prefix = "seed003";  // of what is hashed
  unsigned threads = 1;
  std::stop_token stop = {};
};

struct WalkTrial {
  thermo::Tally tally;
  std::uint64_t sha256d_calls = 0, snapshots = 0;
  double standard_error = 0;      // of the trace ratio, by sqrt(2 / (n D))
  thermo::GaussianFigures law;    // by M C + C M - h mu offdiag(M C M) = 2 kT I
  thermo::GaussianFigures euler;  // by Euler-Maruyama's law
  thermo::GaussianFigures rest;   // by kT M^-1
  thermo::VirialFigures virial;
  thermo::Certificate certificate;  // own law and virial
};

/// Burns in for ten slowest relaxation times, then takes snapshots of all chains five of them
/// apart, which leaves e^-10 of their squares' correlation. Errors: those of the sampler and its
/// noise; kInvalidArgument (no chains, an energy without a minimum), kCancelled. Cost: 1/16
/// SHA-256d a unit-step, and the walk.
Result<WalkTrial> try_walk(const WalkTask& task);

/// Units of eigenvalue 1 but for three directions, by the strengths: 1 + s each. With strengths
/// around 1 the walk's covariance is far from kT M^-1.
/// \pre units >= 4
thermo::Substrate coupled_units(std::size_t units, const std::vector<double>& strengths);

}  // namespace calx::inference
