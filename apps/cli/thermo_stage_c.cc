// calx thermo stage-c, sweep: what a substrate can carry of a decoder, judged on other pictures.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "apps/cli/digit_source.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/neural.h"
#include "apps/cli/stage_line.h"
#include "apps/cli/verb.h"

namespace calx::cli {
namespace {

struct StageCOptions {
  std::string data = "both", work = "thermo-work/stage-c", out = "docs/results/thermo";
  std::vector<std::uint32_t> unet_seeds, data_seeds;
  unsigned threads = 1;
  bool quick = false;
};

void add_common(CLI::App& verb, StageCOptions& options) {
  options.threads = std::max(1U, std::thread::hardware_concurrency());
  verb.add_option("--threads", options.threads, "cores to use")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  verb.add_option("--work", options.work, "folder that keeps networks and finished parts")
      ->capture_default_str();
  verb.add_option("--out", options.out, "folder for the report: .json, .md and .html")
      ->capture_default_str();
  verb.add_flag("--quick", options.quick,
                "small sizes of seconds; nothing is judged, the report is NAME-quick");
}

bool found(const neural::DigitSource& source) {
  return !source.npz.empty() || !source.idx_images.empty();
}

Result<int> run_stage_c(const Session& session, const StageCOptions& options) {
  neural::StageCRequest request;
  request.quick = options.quick;
  request.drawn = options.data != "mnist";
  if (options.data != "digits") {
    const auto train = training_digits(""), held_out = held_out_digits("");
    if (found(train) && found(held_out)) {
      request.train = train;
      request.held_out = held_out;
    } else {
      fmt::print(stderr, "stage-c: no MNIST to train and to judge on, so that part is skipped\n");
    }
  }
  request.unet_seeds = options.unet_seeds;
  request.data_seeds = options.data_seeds;
  request.run = {.work = options.work, .command = session.command, .threads = options.threads};
  request.out = options.out;
  const Interrupt interrupt;
  CALX_ASSIGN(module, neural_module());
  StageLine line;
  CALX_ASSIGN(outcome, module->thermo_stage_c(request, std::ref(line), interrupt.token()));
  return print_stage(session, outcome);
}

Result<int> run_sweep(const Session& session, const StageCOptions& options) {
  neural::SweepRequest request;
  request.quick = options.quick;
  if (!options.unet_seeds.empty()) request.unet_seed = options.unet_seeds.front();
  if (!options.data_seeds.empty()) request.data_seed = options.data_seeds.front();
  request.run = {.work = options.work, .command = session.command, .threads = options.threads};
  request.out = options.out;
  const Interrupt interrupt;
  CALX_ASSIGN(module, neural_module());
  StageLine line;
  CALX_ASSIGN(outcome, module->thermo_sweep(request, std::ref(line), interrupt.token()));
  return print_stage(session, outcome);
}

}  // namespace

void add_thermo_stage_c(CLI::App& thermo, Session& session) {
  auto options = std::make_shared<StageCOptions>();
  auto* stage = thermo.add_subcommand(
      "stage-c", "the honest headline: rank-k couplings in place of a decoder block");
  stage->footer(
      "Trains a U-Net for each seed (some 4 CPU minutes), fits couplings between its encoder and "
      "its decoder pixel by pixel on 96 pictures, and judges means and single thermal snapshots on "
      "64 others, beside the published pipeline, the folded digital map and the constant and "
      "shuffled controls. Ctrl-C stops it; run again, it goes on from the work folder.\n"
      "Handwriting is looked for as mnist/ under $CALX_DATA and ../shared/data: the training part "
      "trains and fits, t10k judges.\n"
      "Status 1 if a bar was missed; the report says which.");
  stage->add_option("--data", options->data, "digits (drawn by the program), mnist or both")
      ->check(CLI::IsMember({"digits", "mnist", "both"}))
      ->capture_default_str();
  stage->add_option("--unet-seeds", options->unet_seeds, "seeds of networks (default: 1,2,3)")
      ->delimiter(',');
  stage->add_option("--data-seeds", options->data_seeds, "seeds of splits (default: 1,2,3)")
      ->delimiter(',');
  add_common(*stage, *options);
  stage->callback([&session, options] {
    session.action = [&session, options] { return run_stage_c(session, *options); };
  });

  auto sweep_options = std::make_shared<StageCOptions>();
  auto* sweep = thermo.add_subcommand("sweep", "ablations of stage C, one thing changed at a time");
  sweep->footer(
      "Coupling, conditioning, interface size, temperature, quartic terms, bits, mismatch, dead "
      "wires, source of noise, integrator, time to relax: on one network of stage C, which is "
      "taken from the work folder if it is there. Finished axes are kept.");
  sweep->add_option("--unet-seed", sweep_options->unet_seeds, "of the network (default: 1)")
      ->expected(1);
  sweep->add_option("--data-seed", sweep_options->data_seeds, "of the split (default: 1)")
      ->expected(1);
  add_common(*sweep, *sweep_options);
  sweep->callback([&session, sweep_options] {
    session.action = [&session, sweep_options] { return run_sweep(session, *sweep_options); };
  });
}

}  // namespace calx::cli
