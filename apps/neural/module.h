// What the shared module libcalx_neural.so offers to the command line. Free of LibTorch, so that
// `calx` starts in milliseconds and loads the module on the first verb that needs it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/imagine.h"
#include "calx/diffusion/training.h"
#include "calx/eval/judge_training.h"
#include "calx/eval/quality.h"
#include "calx/eval/sweep.h"
#include "calx/inference/generator_study.h"
#include "calx/inference/law_study.h"
#include "calx/inference/report.h"
#include "calx/inference/sample_study.h"
#include "calx/inference/scaling_study.h"
#include "calx/inference/stage_a.h"
#include "calx/inference/stage_material.h"
#include "calx/receipt/verify.h"

namespace calx::neural {

/// Raised with every change of this header; calx and the module must agree.
inline constexpr std::uint32_t kAbi = 8;

/// The one symbol that the module exports: `extern "C" Module* calx_neural_module(uint32_t abi)`.
/// Null when the module was built for another kAbi. The object lives as long as the module.
inline constexpr const char* kEntry = "calx_neural_module";

/// Where training pictures come from: an .npz, a pair of idx files, or drawn by the program.
struct DigitSource {
  std::filesystem::path npz;
  std::filesystem::path idx_images, idx_labels;
  std::size_t procedural = 0;             // this many, if no path is given
  std::optional<noise::Seed> drawn_from;  // their seed; if absent, that of the run
};

/// The experiments of seed 003.
enum class Stage : std::uint8_t { kA, kB };

struct StageRequest {
  Stage stage = Stage::kA;
  bool quick = false;               // the small set-up, which nothing is judged by
  std::optional<noise::Seed> seed;  // if absent, the stage's own
  inference::StageRun run;
  std::filesystem::path out;  // folder of the report
};

struct StageCRequest {
  bool quick = false;
  bool drawn = true;                                  // drawn digits
  std::optional<DigitSource> train, held_out;         // handwriting; none: that part is skipped
  std::vector<std::uint32_t> unet_seeds, data_seeds;  // none: the stage's own
  inference::StageCRun run;
  std::filesystem::path out;  // folder of the report
};

struct SweepRequest {
  bool quick = false;
  std::optional<std::uint32_t> unet_seed, data_seed;  // none: the sweep's own
  inference::StageCRun run;
  std::filesystem::path out;
};

/// How an experiment ended.
struct StageOutcome {
  bool holds = false;                                        // no answer says MISSED
  std::vector<std::pair<std::string, std::string>> answers;  // verdict and sentence
  inference::ReportFiles files;
};

/// A report of calx/inference, written and as a terminal or a program wants it.
struct WrittenReport {
  std::string markdown, json;
  inference::ReportFiles files;
  bool holds = false;  // no answer says MISSED
};

/// Thread rule: one call at a time.
class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  /// The module holds its own table of SHA-256 kernels; this forces one there too.
  /// Errors: kInvalidArgument when it is unknown or refused.
  virtual Result<void> use_kernel(std::string_view name) = 0;

  /// diffusion::train_digits() on pictures of `source`.
  virtual Result<diffusion::TrainingReport> train_digits(
      const DigitSource& source, const diffusion::TrainingSettings& settings,
      const diffusion::TrainingRun& run, const diffusion::TrainingObserver& observer,
      const std::stop_token& stop) = 0;

  /// diffusion::imagine() with a model of that name (or path) from one of the folders.
  virtual Result<diffusion::ImagineReport> imagine(
      std::string_view model, std::span<const std::filesystem::path> model_folders,
      const diffusion::ImagineRequest& request, const diffusion::ImagineServices& services,
      const diffusion::ImagineObserver& observer, const std::stop_token& stop) = 0;

  /// diffusion::remake() with the model that the receipt names by its digest.
  virtual Result<diffusion::Remade> remake(std::span<const std::filesystem::path> model_folders,
                                           const receipt::Receipt& receipt, std::uint64_t index,
                                           const std::optional<hash::Digest>& salt,
                                           const std::filesystem::path& folder, int threads,
                                           const std::stop_token& stop) = 0;

  /// What `calx verify` asks for pixels. Must not outlive the module.
  virtual std::unique_ptr<receipt::PixelRegenerator> regenerator(
      std::span<const std::filesystem::path> model_folders, int threads) = 0;

  /// eval::train_judge(), eval::study_quality() and eval::sweep_sampling() on pictures of the
  /// sources.
  virtual Result<eval::JudgeReport> train_judge(const DigitSource& train,
                                                const DigitSource& held_out,
                                                const eval::JudgeSettings& settings,
                                                const eval::JudgeRun& run,
                                                const eval::JudgeObserver& observer,
                                                const std::stop_token& stop) = 0;
  virtual Result<eval::QualityReport> study_quality(const DigitSource& train,
                                                    const DigitSource& held_out,
                                                    const eval::QualitySettings& settings,
                                                    const eval::QualityRun& run,
                                                    const eval::StudyObserver& observer,
                                                    const std::stop_token& stop) = 0;
  virtual Result<std::vector<eval::SweepRow>> sweep_sampling(const DigitSource& train,
                                                             const eval::SweepSettings& settings,
                                                             const eval::QualityRun& run,
                                                             const eval::StudyObserver& observer,
                                                             const std::stop_token& stop) = 0;

  /// Runs one stage and writes its report into request.out.
  virtual Result<StageOutcome> thermo_stage(const StageRequest& request,
                                            const inference::Observer& observer,
                                            const std::stop_token& stop) = 0;

  /// inference::study_sampling() on pictures of the sources; reports are written into `out`.
  virtual Result<std::vector<StageOutcome>> sample_through_substrate(
      const DigitSource& train, const DigitSource& held_out,
      const inference::SampleStudySettings& settings, const inference::WholeRun& run,
      const std::filesystem::path& out, const inference::Observer& observer,
      const std::stop_token& stop) = 0;

  /// inference::run_stage_c() and run_ablations(), their reports written into request.out.
  virtual Result<StageOutcome> thermo_stage_c(const StageCRequest& request,
                                              const inference::Observer& observer,
                                              const std::stop_token& stop) = 0;
  virtual Result<StageOutcome> thermo_sweep(const SweepRequest& request,
                                            const inference::Observer& observer,
                                            const std::stop_token& stop) = 0;

  /// inference::study_generator(), written to `out`.
  virtual Result<WrittenReport> study_generator(const DigitSource& train,
                                                const DigitSource& held_out,
                                                const inference::GeneratorSettings& settings,
                                                const inference::GeneratorRun& run,
                                                const std::filesystem::path& out,
                                                const inference::Observer& observer) = 0;

  /// inference::study_laws(), written to `out`.
  virtual Result<WrittenReport> study_laws(const inference::LawSettings& settings,
                                           const inference::LawRun& run,
                                           const std::filesystem::path& out,
                                           const inference::Observer& observer) = 0;

  /// inference::study_scaling(), written to `out`.
  virtual Result<WrittenReport> study_scaling(const inference::ScalingSettings& settings,
                                              const inference::ScalingRun& run,
                                              const std::filesystem::path& out,
                                              const inference::Observer& observer) = 0;
};

}  // namespace calx::neural
