// calx thermo stage-a, stage-b: the published experiment of seed 003 again, with its controls.
#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "apps/cli/interrupt.h"
#include "apps/cli/neural.h"
#include "apps/cli/stage_line.h"
#include "apps/cli/verb.h"

namespace calx::cli {
namespace {

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
  return print_stage(session, outcome);
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
