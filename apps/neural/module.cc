// libcalx_neural.so: everything that needs LibTorch, behind one exported function.
#include "apps/neural/module.h"

#include <fmt/format.h>

#include "calx/diffusion/digit_set.h"
#include "calx/diffusion/model_store.h"
#include "calx/diffusion/procedural_digits.h"
#include "calx/diffusion/regenerator.h"
#include "calx/hash/kernel.h"
#include "calx/inference/ablation.h"
#include "calx/inference/stage_b.h"
#include "calx/inference/stage_c.h"

namespace calx::neural {
namespace {

Result<diffusion::DigitSet> load(const DigitSource& source, const noise::Seed& seed) {
  if (!source.npz.empty()) return diffusion::load_npz_digits(source.npz);
  if (!source.idx_images.empty()) {
    return diffusion::load_idx_digits(source.idx_images, source.idx_labels);
  }
  return diffusion::draw_digits(source.drawn_from.value_or(seed), source.procedural);
}

Result<inference::Report> run_stage(const StageRequest& request,
                                    const inference::Observer& observer,
                                    const std::stop_token& stop) {
  switch (request.stage) {
    case Stage::kA: {
      auto settings = request.quick ? inference::quick_stage_a() : inference::StageASettings();
      if (request.seed) settings.seed = *request.seed;
      return inference::stage_a(settings, request.run, observer, stop);
    }
    case Stage::kB: {
      auto settings = request.quick ? inference::quick_stage_b() : inference::StageBSettings();
      if (request.seed) settings.seed = settings.training.seed = *request.seed;
      return inference::stage_b(settings, request.run, observer, stop);
    }
  }
  return fail(ErrorCode::kUnimplemented, "the neural module does not know this stage");
}

StageOutcome outcome_of(const inference::Report& report, const inference::ReportFiles& files) {
  StageOutcome outcome{report.holds(), {}, files};
  for (const auto& answer : report.answers) {
    outcome.answers.emplace_back(inference::to_string(answer.verdict), answer.sentence);
  }
  return outcome;
}

Result<StageOutcome> written(const inference::Report& report, const std::filesystem::path& out) {
  CALX_ASSIGN(files, inference::write_report(report, out));
  return outcome_of(report, files);
}

Result<WrittenReport> write(const inference::Report& report, const std::filesystem::path& out) {
  CALX_ASSIGN(files, inference::write_report(report, out));
  CALX_ASSIGN(json, inference::render_json(report));
  return WrittenReport{inference::render_markdown(report), json, files, report.holds()};
}

class LoadedModule final : public Module {
 public:
  Result<void> use_kernel(std::string_view name) override {
    const auto status = hash::force_kernel(name);
    if (status == hash::KernelStatus::kChosen) return {};
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("kernel {} is {} in the neural module", name, hash::to_string(status)));
  }

  Result<diffusion::TrainingReport> train_digits(const DigitSource& source,
                                                 const diffusion::TrainingSettings& settings,
                                                 const diffusion::TrainingRun& run,
                                                 const diffusion::TrainingObserver& observer,
                                                 const std::stop_token& stop) override {
    CALX_ASSIGN(digits, load(source, settings.seed));
    return diffusion::train_digits(digits, settings, run, observer, stop);
  }

  Result<diffusion::ImagineReport> imagine(std::string_view model,
                                           std::span<const std::filesystem::path> model_folders,
                                           const diffusion::ImagineRequest& request,
                                           const diffusion::ImagineServices& services,
                                           const diffusion::ImagineObserver& observer,
                                           const std::stop_token& stop) override {
    CALX_ASSIGN(opened, diffusion::open_model(model, model_folders));
    return diffusion::imagine(opened, request, services, observer, stop);
  }

  Result<diffusion::Remade> remake(std::span<const std::filesystem::path> model_folders,
                                   const receipt::Receipt& receipt, std::uint64_t index,
                                   const std::optional<hash::Digest>& salt,
                                   const std::filesystem::path& folder, int threads,
                                   const std::stop_token& stop) override {
    CALX_ASSIGN(opened, diffusion::open_model(receipt.request.identity.model, model_folders));
    return diffusion::remake(opened, receipt, index, salt, folder, threads, stop);
  }

  std::unique_ptr<receipt::PixelRegenerator> regenerator(
      std::span<const std::filesystem::path> model_folders, int threads) override {
    return std::make_unique<diffusion::ModelRegenerator>(
        std::vector<std::filesystem::path>(model_folders.begin(), model_folders.end()), threads);
  }

  Result<eval::JudgeReport> train_judge(const DigitSource& train, const DigitSource& held_out,
                                        const eval::JudgeSettings& settings,
                                        const eval::JudgeRun& run,
                                        const eval::JudgeObserver& observer,
                                        const std::stop_token& stop) override {
    CALX_ASSIGN(learnt, load(train, settings.seed));
    CALX_ASSIGN(unseen, load(held_out, settings.seed));
    return eval::train_judge(learnt, unseen, settings, run, observer, stop);
  }

  Result<eval::QualityReport> study_quality(const DigitSource& train, const DigitSource& held_out,
                                            const eval::QualitySettings& settings,
                                            const eval::QualityRun& run,
                                            const eval::StudyObserver& observer,
                                            const std::stop_token& stop) override {
    CALX_ASSIGN(learnt, load(train, settings.seed));
    CALX_ASSIGN(unseen, load(held_out, settings.seed));
    return eval::study_quality(learnt, unseen, settings, run, observer, stop);
  }

  Result<std::vector<eval::SweepRow>> sweep_sampling(const DigitSource& train,
                                                     const eval::SweepSettings& settings,
                                                     const eval::QualityRun& run,
                                                     const eval::StudyObserver& observer,
                                                     const std::stop_token& stop) override {
    CALX_ASSIGN(learnt, load(train, settings.seed));
    return eval::sweep_sampling(learnt, settings, run, observer, stop);
  }

  Result<StageOutcome> thermo_stage(const StageRequest& request,
                                    const inference::Observer& observer,
                                    const std::stop_token& stop) override {
    CALX_ASSIGN(report, run_stage(request, observer, stop));
    return written(report, request.out);
  }

  Result<std::vector<StageOutcome>> sample_through_substrate(
      const DigitSource& train, const DigitSource& held_out,
      const inference::SampleStudySettings& settings, const inference::WholeRun& run,
      const std::filesystem::path& out, const inference::Observer& observer,
      const std::stop_token& stop) override {
    CALX_ASSIGN(learnt, load(train, settings.whole.seed));
    CALX_ASSIGN(unseen, load(held_out, settings.whole.seed));
    CALX_ASSIGN(result,
                inference::study_sampling(learnt, unseen, settings, run, out, observer, stop));
    std::vector<StageOutcome> outcomes;
    for (std::size_t i = 0; i < result.reports.size(); ++i) {
      outcomes.push_back(outcome_of(result.reports[i], result.files[i]));
    }
    return outcomes;
  }

  Result<StageOutcome> thermo_stage_c(const StageCRequest& request,
                                      const inference::Observer& observer,
                                      const std::stop_token& stop) override {
    auto settings = request.quick ? inference::quick_stage_c() : inference::StageCSettings();
    if (!request.unet_seeds.empty()) settings.unet_seeds = request.unet_seeds;
    if (!request.data_seeds.empty()) settings.data_seeds = request.data_seeds;
    settings.digits = request.drawn;
    settings.handwriting = request.train && request.held_out;
    std::optional<inference::Handwriting> handwriting;
    if (settings.handwriting) {
      CALX_ASSIGN(train, load(*request.train, noise::Seed()));
      CALX_ASSIGN(held_out, load(*request.held_out, noise::Seed()));
      handwriting = {std::move(train), std::move(held_out)};
    }
    CALX_ASSIGN(done, inference::run_stage_c(settings, handwriting, request.run, observer, stop));
    return written(done.report, request.out);
  }

  Result<StageOutcome> thermo_sweep(const SweepRequest& request,
                                    const inference::Observer& observer,
                                    const std::stop_token& stop) override {
    auto settings = request.quick ? inference::quick_ablations() : inference::AblationSettings();
    if (request.unet_seed) settings.unet_seed = *request.unet_seed;
    if (request.data_seed) settings.data_seed = *request.data_seed;
    CALX_ASSIGN(report, inference::run_ablations(settings, request.run, observer, stop));
    return written(report, request.out);
  }

  Result<WrittenReport> study_generator(const DigitSource& train, const DigitSource& held_out,
                                        const inference::GeneratorSettings& settings,
                                        const inference::GeneratorRun& run,
                                        const std::filesystem::path& out,
                                        const inference::Observer& observer) override {
    CALX_ASSIGN(learnt, load(train, settings.seed));
    CALX_ASSIGN(unseen, load(held_out, settings.seed));
    CALX_ASSIGN(report, inference::study_generator(learnt, unseen, settings, run, observer));
    return write(report, out);
  }

  Result<WrittenReport> study_laws(const inference::LawSettings& settings,
                                   const inference::LawRun& run, const std::filesystem::path& out,
                                   const inference::Observer& observer) override {
    CALX_ASSIGN(report, inference::study_laws(settings, run, observer));
    return write(report, out);
  }

  Result<WrittenReport> study_scaling(const inference::ScalingSettings& settings,
                                      const inference::ScalingRun& run,
                                      const std::filesystem::path& out,
                                      const inference::Observer& observer) override {
    CALX_ASSIGN(report, inference::study_scaling(settings, run, observer));
    return write(report, out);
  }
};

}  // namespace
}  // namespace calx::neural

extern "C" __attribute__((visibility("default"))) calx::neural::Module* calx_neural_module(
    std::uint32_t abi) {
  static calx::neural::LoadedModule module;
  return abi == calx::neural::kAbi ? &module : nullptr;
}
