// Stage C, the honest headline: per-pixel activations of a U-Net trained here, couplings of rank k
// without digital parameters, single thermal snapshots, and every control beside them.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/inference/report.h"
#include "calx/inference/stage_arms.h"
#include "calx/inference/stage_material.h"
#include "calx/inference/stage_trajectory.h"
#include "calx/thermo/ledger.h"

namespace calx::inference {

inline constexpr std::uint32_t kStageSeedsMax = 100;  // of either kind

/// What fixes the figures of one network on one split.
struct StageCSettings {
  std::vector<std::uint32_t> unet_seeds = {1, 2, 3}, data_seeds = {1, 2, 3};
  bool digits = true, handwriting = true;
  StageNetwork network;
  ArmSettings arms;
  std::size_t trajectory_pixels = 1008;  // chains of the calibrated trajectory, a proof that is
                                         // run for the first network alone
  std::size_t average_pixels = 64;       // chains of the time averages
  double average_tau = 400;              // their length
  bool quick = false;                    // sizes of its own: a trial of the program, not a result
};
/// Small sizes that run through all rows in seconds. Bars are not judged.
StageCSettings quick_stage_c();
/// Errors: kInvalidArgument names what is out of range.
Result<void> check(const StageCSettings& settings);

/// One network on one split.
struct StageOutcome {
  std::string data;  // "digits" or "mnist"
  std::uint32_t unet_seed = 0, data_seed = 0;
  std::string source, split_digest, network;  // `network`: all that fixes its weights
  double training_cpu_s = 0;                  // of its network, all sessions together
  double judging_cpu_s = 0;                   // of all rows, without the trajectory
  double proof_cpu_s = 0;                     // of the calibrated trajectory
  std::vector<StageRow> rows;
  double folded_difference = 0;  // substrate's mean against the same digital map
  std::vector<NamedCertificate> certificates;
  std::vector<TwinFinding> twins;            // of the first data seed
  std::optional<TrajectoryAverage> average;  // of the first data seed
  thermo::Effort effort;                     // one image through the RRR substrate

  [[nodiscard]] const StageRow* find(std::string_view key) const noexcept;
};

struct StageCResult {
  std::vector<StageOutcome> outcomes;
  Report report;  // to be written by write_report()
};

/// Runs every pair of seeds that `run.work` does not hold yet, then makes the report. Cost: some 4
/// CPU minutes a network, 3 a split.
/// Errors: check(); those of training, fits, samplers and files; kCancelled on a stop, finished
/// parts kept; kNotFound when only handwriting is wanted and there is none.
Result<StageCResult> run_stage_c(const StageCSettings& settings,
                                 const std::optional<Handwriting>& handwriting,
                                 const StageCRun& run, const Observer& observer,
                                 const std::stop_token& stop);

/// One network on one split, whole. `keep` sees the answers of every row.
/// Errors: as above.
Result<StageOutcome> judge_network(const DecoderTask& task, const StageCSettings& settings,
                                   std::uint32_t unet_seed, std::uint32_t data_seed,
                                   const ArmBook::Keeper& keep, const Observer& observer,
                                   const std::stop_token& stop);

/// The report of outcomes, pictures not included.
Report stage_c_report(const StageCSettings& settings, const std::vector<StageOutcome>& outcomes);

}  // namespace calx::inference
