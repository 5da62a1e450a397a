// Thermal answers of a clamped substrate: each pixel is a chain under its own clamp, read out once
// or as the mean of several reads, and judged against N(mean, kT M^-1).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/noise/seed.h"
#include "calx/thermo/certification.h"
#include "calx/thermo/gaussian_judge.h"
#include "calx/thermo/noise_source.h"
#include "calx/thermo/sampler.h"

namespace calx::inference {

/// Slowest relaxation times of one exact step that stands for a fresh draw: e^-40 is below the
/// precision of a float.
inline constexpr double kDrawTau = 40;
inline constexpr std::uint32_t kReadsMax = 10'000;

struct SnapshotRequest {
  thermo::Scheme scheme = thermo::Scheme::kExactOu;
  double step_share = 0;  // a = h mu lambda_max; 0, for the exact scheme only: kDrawTau tau_slow
  double burn_in_tau = thermo::kBurnInTauMin;  // from a cold start, and between reads
  std::vector<std::uint32_t> counts = {1};     // means of so many reads are wanted; rising
  double temperature_kt = 1;
  std::shared_ptr<const thermo::NoiseSource> source;
  unsigned threads = 1;
  thermo::Twin twin = thermo::Twin::kNone;  // kHeat and kFlipped change the run, never the law
};

/// How the answers were come by, as every row that shows them must state.
struct SnapshotManner {
  std::string scheme, label, noise;  // label: thermo::label(), "trajectory" or "exact draws"
  double step_share = 0;             // h mu lambda_max
  std::uint64_t steps = 0;           // before the first read
  double burn_in_tau = 0;            // these steps, in slowest relaxation times
  double condition = 0;              // tau_slow / tau_fast
  double independent = 0;            // reads that the certificate rests on: one a chain
  Origin origin = Origin::kModelled;
};

struct SnapshotRun {
  std::vector<std::vector<float>> means;  // one of [n, units] for each count
  SnapshotManner manner;
  thermo::GaussianFigures figures;  // of the first read of each chain
  thermo::Certificate certificate;  // likewise; "burn-in" beside the checks of GaussianJudge
};

/// Runs n chains of a substrate of one free module, chain i under clamps row i.
/// Reads of one chain are burn_in_tau apart, so they are independent to e^-burn_in_tau; their mean
/// is a mean of snapshots and no time average.
/// Errors: kInvalidArgument (no or falling counts, a count over kReadsMax, no source, a step_share
/// of 0 for other schemes than the exact one, more free modules); those of thermo::Sampler.
Result<SnapshotRun> run_snapshots(const thermo::Substrate& substrate, std::span<const float> clamps,
                                  std::size_t n, const SnapshotRequest& request);

/// Time averages of trajectories against the mean that algebra gives.
struct TrajectoryAverage {
  SnapshotManner manner;
  double length_tau = 0;        // of the averaged part
  double times_of_tau_int = 0;  // length over autocorrelation time, of the shortest series
  double rms_sigmas = 0;        // of (average - mean) / its own standard error, over all units
  double pooled_sigmas = 0;     // of the sum of all differences
  std::size_t series = 0;       // chains times units
};

/// One average for each chain and unit, by thermo::time_average(), which refuses series shorter
/// than thermo::kAverageTauMin autocorrelation times: then this is refused too.
/// Errors: as run_snapshots; kInvalidArgument or kResourceExhausted by time_average.
Result<TrajectoryAverage> average_trajectories(const thermo::Substrate& substrate,
                                               std::span<const float> clamps, std::size_t n,
                                               const SnapshotRequest& request, double length_tau);

}  // namespace calx::inference
