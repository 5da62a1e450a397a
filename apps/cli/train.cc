// calx train: training runs that this project ships the results of.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
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

constexpr std::int64_t kQuickSteps = 40;

struct TrainOptions {
  diffusion::TrainingSettings settings;
  diffusion::TrainingRun run;
  std::string seed = "calx digits";
  std::string data;  // an .npz, "procedural", or empty: look for MNIST
  std::string out = "digits-run";
  bool quick = false;
};

std::string clock_text(double seconds) {
  const auto whole =
      std::chrono::round<std::chrono::seconds>(std::chrono::duration<double>(seconds)).count();
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

// One line that rewrites itself on a terminal; one line a minute elsewhere.
class ProgressLine {
 public:
  void operator()(const diffusion::TrainingProgress& now) {
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    const auto time = std::chrono::steady_clock::now();
    if (now.step < now.steps &&
        time - shown_ < std::chrono::milliseconds(terminal ? 500 : 60'000)) {
      return;
    }
    shown_ = time;
    fmt::print(stderr, "{}step {}/{}  epoch {}  loss {:.4f}  {:.0f} pictures/s  {} left{}",
               terminal ? "\r" : "", now.step, now.steps, now.epoch, now.loss,
               now.pictures_per_second, clock_text(now.seconds_left),
               terminal && now.step < now.steps ? "   " : "\n");
  }

 private:
  std::chrono::steady_clock::time_point shown_;
};

void print_report(const Session& session, const TrainOptions& options,
                  const diffusion::TrainingReport& report) {
  if (session.json) {
    format::Json json;
    json.set("complete", report.complete).set("steps", report.steps).set("epochs", report.epochs);
    json.set("parameters", report.parameters);
    json.set("loss_first_epoch", fmt::format("{:.5f}", report.loss_first_epoch));
    json.set("loss_last_epoch", fmt::format("{:.5f}", report.loss_last_epoch));
    json.set("seconds", fmt::format("{:.1f}", report.seconds));
    json.set("model", report.model.string()).set("page", report.page.string());
    if (const auto text = format::encode_pretty_json(json)) fmt::print("{}", *text);
    return;
  }
  fmt::print(
      "{} after {} steps ({} epochs, {}): loss {:.4f} in the first epoch, {:.4f} in the "
      "last\n  weights  {}  ({} parameters)\n  page     {}\n  log      {}\n",
      report.complete ? "Trained" : "Stopped", report.steps, report.epochs,
      clock_text(report.seconds), report.loss_first_epoch, report.loss_last_epoch,
      report.model.string(), report.parameters, report.page.string(), report.log.string());
  if (!report.complete) {
    fmt::print("To go on: {}{}\n", options.run.command, options.run.resume ? "" : " --resume");
  }
}

Result<int> run_training(const Session& session, TrainOptions& options) {
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  options.settings.seed = seed;
  if (options.quick) {
    options.settings.steps = std::min(options.settings.steps, kQuickSteps);
    options.settings.network.widths = {16, 32};
    options.settings.batch.batch = 16;
    options.settings.warm_up_steps = 5;
  }
  options.run.folder = options.out;
  options.run.command = session.command;
  const Interrupt interrupt;
  CALX_ASSIGN(module, neural_module());
  CALX_ASSIGN(report, module->train_digits(training_digits(options.data), options.settings,
                                           options.run, ProgressLine(), interrupt.token()));
  print_report(session, options, report);
  return interrupt.requested() ? exit_status(ErrorCode::kCancelled) : kDone;
}

}  // namespace

void add_train(CLI::App& app, Session& session) {
  auto* train = app.add_subcommand("train", "train a model of this project");
  train->require_subcommand(1);
  auto* digits = train->add_subcommand("digits", "the class-conditional diffusion model of digits");
  auto options = std::make_shared<TrainOptions>();
  auto& settings = options->settings;
  auto& run = options->run;
  run.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  digits->add_option("--out", options->out, "folder for weights, log, page and checkpoint");
  digits->add_option("--data", options->data,
                     ".npz with images and labels, or `procedural` (default: MNIST, if found)");
  digits->add_option("--seed", options->seed, "seed of weights, order, times and noise");
  digits->add_option("--steps", settings.steps, "training steps")->check(CLI::PositiveNumber);
  digits->add_option("--batch", settings.batch.batch, "pictures in a step");
  digits->add_option("--widths", settings.network.widths, "channels of each level")->delimiter(',');
  digits->add_option("--rate", settings.learning_rate, "highest learning rate");
  digits->add_option("--shift", settings.batch.shift_pixels,
                     "move pictures by up to this (pixels)");
  digits->add_option("--threads", run.threads, "cores to use")->check(CLI::Range(1, 1024));
  digits->add_option("--checkpoint", run.checkpoint_steps, "steps between checkpoints");
  digits->add_option("--minutes", run.minutes_max, "stop in good order after this long");
  digits->add_flag("--resume", run.resume, "go on from the checkpoint in --out");
  digits->add_flag("--quick", options->quick, "a tiny network and few steps, to try the machinery");
  digits->callback([&session, options] {
    session.action = [&session, options] { return run_training(session, *options); };
  });
  add_train_judge(*train, session);
}

}  // namespace calx::cli
