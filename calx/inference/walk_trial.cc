#include "calx/inference/walk_trial.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "calx/thermo/conditioning.h"
#include "calx/thermo/exact_law.h"
#include "calx/thermo/sha256d_noise.h"
#include "calx/thermo/stiffness.h"

namespace calx::inference {
namespace {

using Chains = thermo::Sampler<float>;

constexpr std::uint64_t kApartTau = 5;  // between snapshots

Result<Chains> walk_of(const WalkTask& task, const thermo::Dynamics& dynamics,
                       const std::shared_ptr<const thermo::NoiseSource>& noise) {
  CALX_ASSIGN(walk, Chains::create(task.substrate, {},
                                   {.scheme = thermo::Scheme::kLatticeWalk,
                                    .dynamics = dynamics,
                                    .chains = task.chains,
                                    .threads = task.threads},
                                   noise));
  if (!task.cold) {
    // The walk's own bits make no normal values, so the start is drawn from another source.
    CALX_ASSIGN(start,
                Chains::create(task.substrate, {}, {.dynamics = dynamics, .chains = task.chains},
                               thermo::philox_noise(noise::Seed())));
    CALX_TRY(start.start_in_equilibrium());
    std::ranges::copy(start.state(), walk.state().begin());
  }
  return Result<Chains>(std::move(walk));
}

}  // namespace

Result<WalkTrial> try_walk(const WalkTask& task) {
  const thermo::Dynamics dynamics{.step = task.step};
  CALX_ASSIGN(m, thermo::dense_stiffness(task.substrate));
  CALX_ASSIGN(stiffness, thermo::Stiffness::of(task.substrate));
  CALX_ASSIGN(bias, thermo::effective_bias(task.substrate, {}, 1));
  CALX_ASSIGN(mean, stiffness.solve(bias.values));
  CALX_ASSIGN(noise, thermo::sha256d_noise(task.prefix, task.chains,
                                           static_cast<std::uint32_t>(stiffness.units())));
  const auto judge_of = [&](thermo::Scheme scheme) -> Result<thermo::GaussianJudge> {
    CALX_ASSIGN(covariance, thermo::stationary_covariance(scheme, m, dynamics));
    return thermo::GaussianJudge::create(mean, covariance);
  };
  CALX_ASSIGN(own, judge_of(thermo::Scheme::kLatticeWalk));
  CALX_ASSIGN(euler, judge_of(thermo::Scheme::kEulerMaruyama));
  CALX_ASSIGN(rest, judge_of(thermo::Scheme::kExactOu));
  CALX_ASSIGN(walk, walk_of(task, dynamics, noise));
  const auto tau =
      static_cast<std::uint64_t>(std::ceil(1 / (stiffness.spectrum().least * dynamics.step)));
  const auto burn_in = static_cast<std::uint64_t>(thermo::kBurnInTauMin) * tau;
  CALX_TRY(walk.advance(burn_in));
  thermo::VirialMeter virial(walk.units());
  WalkTrial trial;
  const std::uint64_t before = walk.tally().unit_steps;
  while (walk.tally().unit_steps - before < task.unit_steps) {
    if (task.stop.stop_requested()) return fail(ErrorCode::kCancelled, "lattice walk: stopped");
    CALX_TRY(walk.advance(kApartTau * tau));
    CALX_TRY(virial.add(walk));
    for (std::size_t c = 0; c < task.chains; ++c) {
      const auto x = std::as_const(walk).state().subspan(c * walk.units(), walk.units());
      for (thermo::GaussianJudge* judge : {&own, &euler, &rest}) judge->add(x);
    }
    trial.snapshots += task.chains;
  }
  const auto independent = static_cast<double>(trial.snapshots);
  trial.tally = walk.tally();
  trial.sha256d_calls = noise->sha256d_calls();
  trial.standard_error = std::sqrt(2 / (independent * static_cast<double>(walk.units())));
  trial.law = own.figures(independent);
  trial.euler = euler.figures(independent);
  trial.rest = rest.figures(independent);
  trial.virial = virial.figures(1, independent);
  trial.certificate = own.judge(independent, false);
  trial.certificate += virial.judge(1, independent);
  return trial;
}

thermo::Substrate coupled_units(std::size_t units, const std::vector<double>& strengths) {
  thermo::Matrix directions(units, strengths.size());
  for (std::size_t k = 0; k < strengths.size(); ++k) {
    double norm = 0;
    for (std::size_t i = 0; i < units; ++i) {
      // No two directions alike, none along an axis.
      const auto place = static_cast<double>((i + 1) * (2 * k + 3));
      directions(i, k) = std::sin(place) + 0.3 * std::cos(0.7 * place);
      norm += directions(i, k) * directions(i, k);
    }
    for (std::size_t i = 0; i < units; ++i) directions(i, k) /= std::sqrt(norm);
  }
  thermo::Substrate s;
  s.modules = {{.name = "x", .units = units, .quadratic = {0.5}}};
  s.couplings = {{.first = 0, .second = 0, .left = std::move(directions), .strength = strengths}};
  return s;
}

}  // namespace calx::inference
