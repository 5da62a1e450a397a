// calx train judge: the classifier by which the quality study judges pictures.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <thread>

#include "apps/cli/digit_source.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/neural.h"
#include "apps/cli/verb.h"
#include "calx/format/canonical_json.h"

namespace calx::cli {
namespace {

struct JudgeOptions {
  eval::JudgeSettings settings;
  eval::JudgeRun run;
  std::string seed = "calx judge";
  std::string data;
  std::string out = "judge-run";
};

void show(const eval::JudgeProgress& now) {
  const bool last = now.step == now.steps;
  if (::isatty(STDERR_FILENO) == 0 ? !last && now.step % 500 != 0 : !last && now.step % 10 != 0) {
    return;
  }
  fmt::print(stderr, "{}step {}/{}  loss {:.4f}  {:.0f} s left  {}",
             ::isatty(STDERR_FILENO) == 0 ? "" : "\r", now.step, now.steps, now.loss,
             now.seconds_left, last || ::isatty(STDERR_FILENO) == 0 ? "\n" : "");
}

Result<int> run_judge(const Session& session, JudgeOptions& options) {
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  options.settings.seed = seed;
  options.run.folder = options.out;
  options.run.command = session.command;
  const Interrupt interrupt;
  CALX_ASSIGN(module, neural_module());
  CALX_ASSIGN(report,
              module->train_judge(training_digits(options.data), held_out_digits(options.data),
                                  options.settings, options.run, show, interrupt.token()));
  if (session.json) {
    format::Json json;
    json.set("correct", report.correct).set("judged", report.judged);
    json.set("parameters", report.parameters).set("steps", report.steps);
    json.set("seconds", fmt::format("{:.1f}", report.seconds)).set("sha256", report.digest);
    json.set("model", report.model.string()).set("log", report.log.string());
    if (const auto text = format::encode_pretty_json(json)) fmt::print("{}", *text);
    return kDone;
  }
  fmt::print(
      "Judged {} of {} held-out digits right (95 %: {:.2f} to {:.2f} %) after {} steps in "
      "{:.0f} s\n  weights  {}  ({} parameters)\n  log      {}\n",
      report.correct, report.judged, 100 * report.accuracy.low, 100 * report.accuracy.high,
      report.steps, report.seconds, report.model.string(), report.parameters, report.log.string());
  return kDone;
}

}  // namespace

void add_train_judge(CLI::App& train, Session& session) {
  auto* judge = train.add_subcommand("judge", "the classifier that judges generated digits");
  auto options = std::make_shared<JudgeOptions>();
  options->run.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  judge->add_option("--out", options->out, "folder for weights and log");
  judge->add_option("--data", options->data,
                    ".npz with images and labels, or `procedural` (default: MNIST, if found)");
  judge->add_option("--seed", options->seed, "seed of weights, order and shifts");
  judge->add_option("--epochs", options->settings.epochs, "times through the training pictures");
  judge->add_option("--threads", options->run.threads, "cores to use")->check(CLI::Range(1, 1024));
  judge->callback([&session, options] {
    session.action = [&session, options] { return run_judge(session, *options); };
  });
}

}  // namespace calx::cli
