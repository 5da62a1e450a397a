// calx thermo stage-a, stage-b: the published experiment of seed 003 again, with its controls.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "apps/cli/interrupt.h"
#include "apps/cli/neural.h"
#include "apps/cli/verb.h"
#include "calx/base/atomic_file.h"

namespace calx::cli {
namespace {

constexpr std::uint64_t kReportBytesMax = 1 << 24;

struct StageOptions {
  neural::Stage stage = neural::Stage::kA;
  std::string seed = "42", work = "thermo-work", out = "docs/results/thermo";
  int threads = 1;
  bool quick = false;
};

struct StageVerb {
  neural::Stage stage;
  const char* name;
  const char* about;
  const char* cost;
};

constexpr StageVerb kStages[] = {
    {neural::Stage::kA, "stage-a", "the published default run: untrained, D = 128, white noise",
     "Under a minute on two cores. Ctrl-C stops it; run again, it starts from the activations in "
     "the work folder."},
    {neural::Stage::kB, "stage-b", "the published headline: trained, D = 64, 2,560 parameters",
     "Draws its own digits and trains the 8.1 M U-Net on 2,560 of them: some ten minutes on two "
     "cores. Ctrl-C stops it after the present step; run again, it goes on from the checkpoint in "
     "the work folder."},
};

// One line that rewrites itself on a terminal; a line for each stage and half minute elsewhere.
class StageLine {
 public:
  void operator()(const inference::Progress& now) {
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    const auto time = std::chrono::steady_clock::now();
    const bool fresh = now.stage.substr(0, now.stage.find('(')) != stage_;
    const auto pause = std::chrono::milliseconds(terminal ? 300 : 30'000);
    if (!fresh && now.done != now.count && time - shown_ < pause) return;
    if (fresh && terminal && !stage_.empty()) fmt::print(stderr, "\n");
    stage_ = now.stage.substr(0, now.stage.find('('));
    shown_ = time;
    std::string line = now.stage;
    if (now.count > 0) line += fmt::format("  {}/{}", now.done, now.count);
    fmt::print(stderr, "{}{}{}", terminal ? "\r" : "", line, terminal ? "      " : "\n");
    std::fflush(stderr);
  }

 private:
  std::string stage_;
  std::chrono::steady_clock::time_point shown_{};
};

Result<int> run_stage(const Session& session, const StageOptions& options) {
  neural::StageRequest request;
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  request.stage = options.stage;
  request.quick = options.quick;
  request.seed = seed;
  request.run.work = options.work;
  request.run.command = session.command;
  request.run.threads = options.threads;
  request.out = options.out;
  const Interrupt interrupt;
  CALX_ASSIGN(module, neural_module());
  StageLine line;
  CALX_ASSIGN(outcome, module->thermo_stage(request, std::ref(line), interrupt.token()));
  if (::isatty(STDERR_FILENO) == 1) fmt::print(stderr, "\n");
  if (session.json) {
    CALX_ASSIGN(text, read_file(outcome.files.json, kReportBytesMax));
    fmt::print("{}", std::string(text.begin(), text.end()));
  } else {
    for (const auto& [word, sentence] : outcome.answers) {
      fmt::print("{:<10} {}\n", word, sentence);
    }
    fmt::print("report     {}\npage       {}\n", outcome.files.markdown.string(),
               outcome.files.page.string());
  }
  return outcome.holds ? kDone : kCheckFailed;
}

}  // namespace

void add_thermo_stages(CLI::App& thermo, Session& session) {
  for (const StageVerb& verb : kStages) {
    auto options = std::make_shared<StageOptions>();
    options->stage = verb.stage;
    options->threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    auto* stage = thermo.add_subcommand(verb.name, verb.about);
    stage->footer(std::string(verb.cost) +
                  "\nStatus 1 if a bar of the reference or a control was missed: some are, and the "
                  "report says which.");
    stage->add_option("--seed", options->seed, "of weights, inputs and interfaces")
        ->capture_default_str();
    stage->add_option("--threads", options->threads, "cores to use")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    stage->add_option("--work", options->work, "folder that keeps networks and activations")
        ->capture_default_str();
    stage->add_option("--out", options->out, "folder for the report: .json, .md and .html")
        ->capture_default_str();
    stage->add_flag("--quick", options->quick,
                    "a small set-up of seconds; its rows are not judged, its report is NAME-quick");
    stage->callback([&session, options] {
      session.action = [&session, options] { return run_stage(session, *options); };
    });
  }
}

}  // namespace calx::cli
