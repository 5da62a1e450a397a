// calx thermo sample: whole images through a substrate, and denoising by a substrate alone.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <thread>

#include "apps/cli/data_folder.h"
#include "apps/cli/digit_source.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/neural.h"
#include "apps/cli/verb.h"
#include "calx/base/atomic_file.h"

namespace calx::cli {
namespace {

constexpr std::uint64_t kReportBytesMax = 1 << 24;

struct SampleOptions {
  inference::SampleStudySettings study;
  inference::WholeRun run;
  std::string model = "digits", judge = "judge", seed = "calx thermo sample", data;
  std::string work = "thermo-work", out;
  std::string only;
  bool quick = false;
};

// A line for each stage; on a terminal it rewrites itself, elsewhere it comes twice a minute.
class SampleProgress {
 public:
  void operator()(const inference::Progress& now) {
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    const auto time = std::chrono::steady_clock::now();
    const bool fresh = now.stage != stage_;
    const auto pause = std::chrono::milliseconds(terminal ? 300 : 30'000);
    if (!fresh && now.done != now.count && time - shown_ < pause) return;
    if (fresh && terminal && !stage_.empty()) fmt::print(stderr, "\n");
    stage_ = now.stage;
    shown_ = time;
    fmt::print(stderr, "{}{}  {}/{}{}", terminal ? "\r" : "", now.stage, now.done, now.count,
               terminal ? "      " : "\n");
    std::fflush(stderr);
  }

 private:
  std::string stage_;
  std::chrono::steady_clock::time_point shown_{};
};

Result<std::filesystem::path> weights(const std::string& name, const std::string& file) {
  std::error_code error;
  if (name.ends_with(".safetensors")) return std::filesystem::path(name);
  for (const auto& folder : model_folders()) {
    if (std::filesystem::is_regular_file(folder / name / file, error)) return folder / name / file;
  }
  return fail(ErrorCode::kNotFound, fmt::format("no {}/{} in models/ or $CALX_MODELS", name, file));
}

// Small enough to try everything in a few minutes; its figures mean little.
void make_quick(SampleOptions& options) {
  auto& study = options.study;
  study.whole.count = std::min<std::size_t>(study.whole.count, 100);
  study.whole.replicates = std::min<std::uint64_t>(study.whole.replicates, 40);
  study.whole.fit.pictures = 8;
  study.whole.fit.checks = 3;
  study.prior_pictures = 1000;
  study.noisy_pictures = 32;
}

Result<int> print_outcomes(const Session& session,
                           const std::vector<neural::StageOutcome>& outcomes) {
  bool holds = true;
  for (const auto& outcome : outcomes) {
    holds = holds && outcome.holds;
    if (session.json) {
      CALX_ASSIGN(text, read_file(outcome.files.json, kReportBytesMax));
      fmt::print("{}", std::string(text.begin(), text.end()));
      continue;
    }
    for (const auto& [verdict, sentence] : outcome.answers) {
      fmt::print("{:<10}  {}\n", verdict, sentence);
    }
    fmt::print("report      {}\npage        {}\n", outcome.files.markdown.string(),
               outcome.files.page.string());
  }
  return holds ? kDone : kCheckFailed;
}

Result<int> run_sample(const Session& session, SampleOptions& options) {
  auto& study = options.study;
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  CALX_ASSIGN(model, weights(options.model, options.model + ".safetensors"));
  CALX_ASSIGN(judge, weights(options.judge, "weights.safetensors"));
  study.whole.seed = seed;
  study.images = options.only != "posterior";
  study.denoising = options.only != "images";
  if (options.quick) make_quick(options);
  if (options.out.empty()) options.out = options.quick ? "thermo-quick" : "docs/results/thermo";
  options.run.model = model;
  options.run.judge = judge;
  options.run.work = options.work;
  options.run.command = session.command;
  auto train = training_digits(options.data);
  train.drawn_from = seed;
  const Interrupt interrupt;
  CALX_ASSIGN(module, neural_module());
  SampleProgress progress;
  CALX_ASSIGN(outcomes, module->sample_through_substrate(train, held_out_digits(options.data),
                                                         study, options.run, options.out,
                                                         std::ref(progress), interrupt.token()));
  if (::isatty(STDERR_FILENO) == 1) fmt::print(stderr, "\n");
  return print_outcomes(session, outcomes);
}

}  // namespace

void add_thermo_sample(CLI::App& thermo, Session& session) {
  auto options = std::make_shared<SampleOptions>();
  auto& whole = options->study.whole;
  options->run.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  auto* verb = thermo.add_subcommand(
      "sample",
      "whole images with the network's last decoder block replaced by a substrate at every step,\n"
      "beside the digital block and controls; and denoising by a substrate alone.\n"
      "Finished pictures wait in --work: the same command goes on where it was stopped");
  verb->add_option(
          "--arms", whole.arms,
          "digital, mean, snapshot, white, k0, patch, patch-snapshot (the default); folded, "
          "shaped, skip, skip-snapshot, class, class-snapshot")
      ->delimiter(',');
  verb->add_option("--count", whole.count, "pictures an arm, at most half of the held-out digits")
      ->capture_default_str();
  verb->add_option("--rank", whole.rank, "of the coupling")->capture_default_str();
  verb->add_option("--steps", whole.steps, "of the sampler; one fit each")->capture_default_str();
  verb->add_option("--sampler", whole.sampler, "ddim, euler or dpmpp-2m")->capture_default_str();
  verb->add_option("--guidance", whole.guidance, "1: without")->capture_default_str();
  verb->add_option("--batch", whole.batch, "pictures of a forward pass")->capture_default_str();
  verb->add_option("--replicates", whole.replicates, "of the bootstrap")->capture_default_str();
  verb->add_option("--fit-pictures", whole.fit.pictures, "of each class, for the fits")
      ->capture_default_str();
  verb->add_option("--model", options->model, "name of a model, or a .safetensors file")
      ->capture_default_str();
  verb->add_option("--judge", options->judge, "name of a judge, or a .safetensors file")
      ->capture_default_str();
  verb->add_option("--seed", options->seed, "of pictures, fits, thermal noise and bootstrap")
      ->capture_default_str();
  verb->add_option("--data", options->data,
                   "training .npz, or `procedural` (default: MNIST, if found)");
  verb->add_option("--only", options->only, "one of the two studies")
      ->check(CLI::IsMember({"images", "posterior"}));
  verb->add_option("--work", options->work, "folder that keeps finished pictures")
      ->capture_default_str();
  verb->add_option("--out", options->out,
                   "folder for the reports (docs/results/thermo; with --quick thermo-quick)");
  verb->add_option("--threads", options->run.threads, "cores to use")->check(CLI::Range(1, 1024));
  verb->add_flag("--quick", options->quick, "few pictures and few fits, to try the command");
  verb->callback([&session, options] {
    session.action = [&session, options] { return run_sample(session, *options); };
  });
}

}  // namespace calx::cli
