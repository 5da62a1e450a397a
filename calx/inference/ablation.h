// The ablations of stage C: one network, one split, one thing changed at a time, and the rows of
// numbers that follow.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/inference/report.h"
#include "calx/inference/stage_arms.h"
#include "calx/inference/stage_material.h"

namespace calx::inference {

struct AblationSettings {
  StageNetwork network;
  ArmSettings arms;
  std::uint32_t unet_seed = 1, data_seed = 1;
  std::size_t sampled_images = 8;  // of the axes that run trajectories
  bool quick = false;              // sizes of its own: a trial of the program, not a result
};
/// Small sizes that run through all axes in seconds.
AblationSettings quick_ablations();

/// One setting of one axis. What could not be run has no figures and says why.
struct AblationRow {
  std::string value;      // "6 bits"
  std::string substrate;  // "B = kT C^-1"
  std::string answer;     // "mean" or "one snapshot"
  bool ran = false;
  DecoderFigures figures = {};
  std::string note = {};  // how it was made, or why it was not
};

struct AblationAxis {
  std::string name;  // "coupling"
  std::string about;
  std::vector<AblationRow> rows;
};

/// "controls", "coupling", "conditioning", "interface", "temperature", "quartic", "bits",
/// "mismatch", "dead-wires", "noise", "integrator", "relaxation".
std::vector<std::string> ablation_names();

/// Errors: kInvalidArgument names the axes there are; those of fits and samplers that mean a fault
/// of the whole run. A setting that a machine could not hold (an energy without a minimum) is a row
/// with a sentence.
Result<AblationAxis> run_ablation(std::string_view name, const DecoderTask& task,
                                  const AblationSettings& settings);

/// All axes on one network, each kept in run.work when it is done, and their report. Cost: some 4
/// CPU minutes for a network that is not there yet, and about 10 for the axes.
/// Errors: as above, those of training and files; kCancelled on a stop, finished axes kept.
Result<Report> run_ablations(const AblationSettings& settings, const StageCRun& run,
                             const Observer& observer, const std::stop_token& stop);

}  // namespace calx::inference
