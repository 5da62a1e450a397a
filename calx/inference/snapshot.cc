#include "calx/inference/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

#include "calx/inference/substrate_mean.h"
#include "calx/thermo/autocorrelation.h"
#include "calx/thermo/exact_law.h"
#include "calx/thermo/faulty_noise.h"
#include "calx/thermo/stiffness.h"

namespace calx::inference {
namespace {

constexpr double kTooHot = 1.05;
constexpr double kRounding = 1e-9;  // of a burn-in that is a whole number of steps

struct Ready {
  thermo::Sampler<float> sampler;
  SnapshotManner manner;
  thermo::Relaxation relaxation;
  std::size_t read = 0;            // the free module
  std::uint64_t steps_a_read = 0;  // burn_in_tau
};

Result<void> check_request(const thermo::Substrate& substrate, std::size_t n,
                           const SnapshotRequest& request) {
  const auto& counts = request.counts;
  const bool exact = request.scheme == thermo::Scheme::kExactOu;
  if (n == 0 || n > std::numeric_limits<std::uint32_t>::max() || !request.source ||
      counts.empty() || counts.front() == 0 || counts.back() > kReadsMax ||
      std::ranges::adjacent_find(counts, std::greater_equal<>()) != counts.end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("snapshots: {} chains and reads [{}], wanted chains, a source of noise "
                            "and rising counts of 1 to {} reads",
                            n, fmt::join(counts, ", "), kReadsMax));
  }
  if (!(request.step_share >= 0) || !(request.burn_in_tau > 0) ||
      (request.step_share == 0 && !exact)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("snapshots: steps of {} / (mu lambda_max) and a burn-in of {} tau, "
                            "wanted both above 0",
                            request.step_share, request.burn_in_tau));
  }
  const auto free = std::ranges::count(substrate.modules, false, &thermo::Module::clamped);
  if (free == 1) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("snapshots: {} free modules, wanted one", free));
}

std::shared_ptr<const thermo::NoiseSource> with_fault(
    std::shared_ptr<const thermo::NoiseSource> source, thermo::Twin twin) {
  using thermo::FaultyNoise, thermo::NoiseFault, thermo::Twin;
  if (twin == Twin::kDropped) {
    return std::make_shared<FaultyNoise>(std::move(source), NoiseFault::kDropped);
  }
  if (twin == Twin::kBiased) {
    return std::make_shared<FaultyNoise>(std::move(source), NoiseFault::kBiased);
  }
  return source;
}

thermo::Conditioning clamped_at(std::span<const float> clamps, std::size_t n) {
  if (clamps.empty()) return {};
  return {.clamps = thermo::Matrix(n, clamps.size() / n,
                                   std::vector<double>(clamps.begin(), clamps.end()))};
}

Result<Ready> prepare(const thermo::Substrate& substrate, std::span<const float> clamps,
                      std::size_t n, const SnapshotRequest& request) {
  CALX_TRY(check_request(substrate, n, request));
  CALX_ASSIGN(stiffness, thermo::Stiffness::of(substrate));
  const thermo::Spectrum spectrum = stiffness.spectrum();
  thermo::Dynamics dynamics{.temperature_kt = request.temperature_kt};
  const thermo::Relaxation tau = thermo::relaxation(spectrum, dynamics);
  const bool draw = request.step_share == 0;
  dynamics.step = draw ? kDrawTau * tau.tau_slow : request.step_share * tau.tau_fast;
  const double steps_wanted = request.burn_in_tau * tau.tau_slow / dynamics.step;
  const auto steps =
      draw ? 1 : static_cast<std::uint64_t>(std::ceil(steps_wanted * (1 - kRounding)));
  SnapshotManner manner{.scheme = std::string(to_string(request.scheme)),
                        .label = std::string(thermo::label(request.scheme, dynamics, spectrum)),
                        .noise = std::string(request.source->name()),
                        .step_share = dynamics.step / tau.tau_fast,
                        .steps = steps,
                        .burn_in_tau = static_cast<double>(steps) * dynamics.step / tau.tau_slow,
                        .condition = spectrum.largest / spectrum.least,
                        .independent = static_cast<double>(n)};
  thermo::Substrate run = substrate;
  if (request.twin == thermo::Twin::kHeat) dynamics.temperature_kt *= kTooHot;
  if (request.twin == thermo::Twin::kFlipped) {
    for (thermo::Coupling& coupling : run.couplings) {
      coupling.strength.resize(coupling.rank(), 1.0);
      for (double& strength : coupling.strength) strength = -strength;
    }
  }
  CALX_ASSIGN(sampler, thermo::Sampler<float>::create(run, clamped_at(clamps, n),
                                                      {.scheme = request.scheme,
                                                       .dynamics = dynamics,
                                                       .chains = static_cast<std::uint32_t>(n),
                                                       .threads = request.threads},
                                                      with_fault(request.source, request.twin)));
  manner.origin = request.twin == thermo::Twin::kNone ? sampler.origin() : Origin::kModelled;
  const auto free = std::ranges::find(substrate.modules, false, &thermo::Module::clamped);
  return Ready{std::move(sampler), std::move(manner), tau,
               static_cast<std::size_t>(free - substrate.modules.begin()), steps};
}

// The first read of each chain against its own mean.
Result<void> judge(const thermo::Substrate& substrate, std::span<const float> means,
                   const Ready& ready, const SnapshotRequest& request, SnapshotRun& run) {
  CALX_ASSIGN(stiffness, thermo::dense_stiffness(substrate));
  CALX_ASSIGN(covariance, thermo::equilibrium_covariance(stiffness, request.temperature_kt));
  const std::size_t units = ready.sampler.units();
  const std::vector<double> nowhere(units);
  CALX_ASSIGN(judge, thermo::GaussianJudge::create(nowhere, covariance));
  std::vector<double> x(units), mean(units);
  const std::span<const float> state = ready.sampler.state();
  for (std::size_t at = 0; at < state.size(); at += units) {
    std::ranges::copy(state.subspan(at, units), x.begin());
    std::ranges::copy(means.subspan(at, units), mean.begin());
    judge.add(x, mean);
  }
  run.figures = judge.figures(run.manner.independent);
  run.certificate =
      judge.judge(run.manner.independent, request.scheme != thermo::Scheme::kLatticeWalk);
  run.certificate.book("burn-in", run.manner.burn_in_tau >= thermo::kBurnInTauMin,
                       fmt::format("{:.1f} slowest relaxation times from a cold start, wanted {}",
                                   run.manner.burn_in_tau, thermo::kBurnInTauMin));
  return {};
}

}  // namespace

Result<SnapshotRun> run_snapshots(const thermo::Substrate& substrate, std::span<const float> clamps,
                                  std::size_t n, const SnapshotRequest& request) try {
  CALX_ASSIGN(ready, prepare(substrate, clamps, n, request));
  SnapshotRun run;
  run.manner = ready.manner;
  CALX_ASSIGN(law, substrate_mean(substrate, ready.read, clamps, {}, n, request.threads));
  const auto state = std::as_const(ready.sampler).state();
  std::vector<float> sum(state.size());
  for (std::uint32_t read = 1; read <= request.counts.back(); ++read) {
    CALX_TRY(ready.sampler.advance(ready.steps_a_read));
    if (read == 1) CALX_TRY(judge(substrate, law, ready, request, run));
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += state[i];
    if (request.counts[run.means.size()] != read) continue;
    auto& mean = run.means.emplace_back(sum);
    for (float& value : mean) value /= static_cast<float>(read);
  }
  return run;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted, fmt::format("snapshots: no memory for {} chains", n));
}

Result<TrajectoryAverage> average_trajectories(const thermo::Substrate& substrate,
                                               std::span<const float> clamps, std::size_t n,
                                               const SnapshotRequest& request,
                                               double length_tau) try {
  CALX_ASSIGN(ready, prepare(substrate, clamps, n, request));
  CALX_ASSIGN(law, substrate_mean(substrate, ready.read, clamps, {}, n, request.threads));
  CALX_TRY(ready.sampler.advance(ready.steps_a_read));
  const double step_tau = ready.manner.burn_in_tau / static_cast<double>(ready.manner.steps);
  const auto steps = static_cast<std::size_t>(std::ceil(length_tau / step_tau));
  TrajectoryAverage result{.manner = ready.manner,
                           .length_tau = static_cast<double>(steps) * step_tau,
                           .times_of_tau_int = std::numeric_limits<double>::infinity(),
                           .series = law.size()};
  const auto state = std::as_const(ready.sampler).state();
  std::vector<double> all(steps * law.size());  // [series, steps]
  for (std::size_t step = 0; step < steps; ++step) {
    CALX_TRY(ready.sampler.advance(1));
    for (std::size_t i = 0; i < law.size(); ++i) all[i * steps + step] = double{state[i]};
  }
  double squares = 0, differences = 0, variances = 0;
  for (std::size_t i = 0; i < law.size(); ++i) {
    CALX_ASSIGN(average, thermo::time_average(std::span(all).subspan(i * steps, steps)));
    const double difference = average.mean - double{law[i]};
    squares += difference * difference / (average.error * average.error);
    differences += difference;
    variances += average.error * average.error;
    result.times_of_tau_int =
        std::min(result.times_of_tau_int, static_cast<double>(steps) / average.autocorrelation.tau);
  }
  result.rms_sigmas = std::sqrt(squares / static_cast<double>(law.size()));
  result.pooled_sigmas = differences / std::sqrt(variances);
  return result;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted, fmt::format("averages: no memory for {} chains", n));
}

}  // namespace calx::inference
