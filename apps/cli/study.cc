// calx study: experiments whose result is a report, not a file that something else reads.
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

struct StudyOptions {
  eval::QualitySettings quality;
  eval::SweepSettings sweep;
  eval::QualityRun run;
  std::string model = "digits", judge;
  std::string seed = "calx quality";
  std::string data, drawn_seed = "calx digits";
  std::string work = "quality-work", out = "docs/results";
  bool sweeping = false;
  std::size_t sweep_count = 500;
};

// One line that rewrites itself on a terminal; a line for each stage and half minute elsewhere.
class ProgressLine {
 public:
  void operator()(const eval::StudyProgress& now) {
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    const auto time = std::chrono::steady_clock::now();
    const bool fresh = now.stage != stage_, last = now.count > 0 && now.done == now.count;
    const auto pause = std::chrono::milliseconds(terminal ? 300 : 30'000);
    if (!fresh && !last && time - shown_ < pause) return;
    if (fresh && terminal && !stage_.empty()) fmt::print(stderr, "\n");
    stage_ = now.stage;
    shown_ = time;
    std::string line = now.stage;
    if (now.count > 0) line += fmt::format("  {}/{}", now.done, now.count);
    if (now.seconds_left >= 0) line += fmt::format("  {:.0f} s left", now.seconds_left);
    fmt::print(stderr, "{}{}{}", terminal ? "\r" : "", line, terminal ? "      " : "\n");
    std::fflush(stderr);
  }

 private:
  std::string stage_;
  std::chrono::steady_clock::time_point shown_{};
};

Result<std::filesystem::path> find_weights(const std::string& name,
                                           const std::filesystem::path& file) {
  std::error_code error;
  if (name.ends_with(".safetensors")) return std::filesystem::path(name);
  for (const auto& folder : model_folders()) {
    if (std::filesystem::is_regular_file(folder / name / file, error)) return folder / name / file;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("no {}/{} in models/ or $CALX_MODELS", name, file.string()));
}

Result<int> print_report(const Session& session, const eval::QualityReport& report) {
  if (session.json) {
    CALX_ASSIGN(text, read_file(report.json, kReportBytesMax));
    fmt::print("{}", std::string(text.begin(), text.end()));
  } else {
    for (const auto& set : report.sets) {
      fmt::print("{:<24} FD-clf {:9.4f} +- {:.4f}   judged as labelled {:6.2f} %\n", set.name,
                 set.distance, set.deviation,
                 100.0 * static_cast<double>(set.correct) / static_cast<double>(report.count));
    }
    for (const auto& answer : report.answers) {
      fmt::print("{:<10} {}\n", answer.word, answer.sentence);
    }
    fmt::print("report     {}\npage       {}\n", report.markdown.string(), report.page.string());
  }
  const bool bars =
      report.accuracy == eval::Verdict::kFails || report.memory == eval::Verdict::kFails;
  return bars ? kCheckFailed : kDone;
}

Result<int> run_quality(const Session& session, StudyOptions& options) {
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  CALX_ASSIGN(model, find_weights(options.model, options.model + ".safetensors"));
  CALX_ASSIGN(judge,
              find_weights(options.judge.empty() ? "judge" : options.judge, "weights.safetensors"));
  CALX_ASSIGN(drawn_seed, noise::Seed::parse(options.drawn_seed));
  auto train = training_digits(options.data);
  train.drawn_from = drawn_seed;
  options.run.model = model;
  options.run.judge = judge;
  options.run.work = options.work;
  options.run.out = options.out;
  options.run.command = session.command;
  const Interrupt interrupt;
  CALX_ASSIGN(module, neural_module());
  ProgressLine progress;
  if (options.sweeping) {
    options.sweep.seed = seed;
    options.sweep.count = options.sweep_count;
    options.sweep.sampler = options.quality.sampler;
    CALX_ASSIGN(rows, module->sweep_sampling(train, options.sweep, options.run, std::ref(progress),
                                             interrupt.token()));
    fmt::print("\nguidance  steps  judged as asked   FD-clf\n");
    for (const auto& row : rows) {
      const double share =
          100.0 * static_cast<double>(row.correct) / static_cast<double>(options.sweep.count);
      const auto what = row.steps == 0 ? std::string("training digits")
                                       : fmt::format("{:8.2f}  {:5}", row.guidance, row.steps);
      fmt::print("{:<15}  {:13.1f} %  {:7.2f}\n", what, share, row.distance);
    }
    return kDone;
  }
  options.quality.seed = seed;
  CALX_ASSIGN(report, module->study_quality(train, held_out_digits(options.data), options.quality,
                                            options.run, std::ref(progress), interrupt.token()));
  if (::isatty(STDERR_FILENO) == 1) fmt::print(stderr, "\n");
  return print_report(session, report);
}

}  // namespace

void add_study(CLI::App& app, Session& session) {
  auto* study = app.add_subcommand("study", "experiments that end in a report");
  study->require_subcommand(1);
  add_study_devices(*study, session);
  auto* quality = study->add_subcommand(
      "quality", "are generated digits right, near to handwriting, and no copies");
  auto options = std::make_shared<StudyOptions>();
  auto& settings = options->quality;
  options->run.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  quality->add_option("--model", options->model, "name of a model, or a .safetensors file");
  quality->add_option("--judge", options->judge, "another judge's .safetensors file");
  quality->add_option("--seed", options->seed, "seed of pictures, bootstrap and exchanges");
  quality->add_option("--guidance", settings.guidance, "of the pictures");
  quality->add_option("--steps", settings.steps, "sampler steps");
  quality->add_option("--sampler", settings.sampler, "how steps are taken");
  quality->add_option("--count", settings.count, "pictures of each set, at most half of t10k");
  quality->add_option("--replicates", settings.replicates, "of the bootstrap");
  quality->add_option("--permutations", settings.permutations, "of the two-sample test");
  quality->add_option("--data", options->data,
                      "training .npz, or `procedural` (default: MNIST, if found)");
  quality->add_option("--drawn-seed", options->drawn_seed,
                      "seed of the drawn training digits, where no MNIST is found");
  quality->add_option("--work", options->work, "folder that keeps pictures if stopped");
  quality->add_option("--out", options->out, "folder for quality.md, .json and .html");
  quality->add_option("--threads", options->run.threads, "cores to use")
      ->check(CLI::Range(1, 1024));
  quality->add_flag("--sweep", options->sweeping,
                    "compare guidances and steps on few pictures instead");
  quality->add_option("--sweep-guidance", options->sweep.guidances, "guidances to compare")
      ->delimiter(',');
  quality->add_option("--sweep-steps", options->sweep.steps, "steps to compare")->delimiter(',');
  quality->add_option("--sweep-count", options->sweep_count, "pictures of each pair");
  quality->callback([&session, options] {
    session.action = [&session, options] { return run_quality(session, *options); };
  });
}

}  // namespace calx::cli
