#include "calx/diffusion/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <numbers>
#include <numeric>
#include <optional>

#include "calx/base/atomic_file.h"
#include "calx/diffusion/checkpoint.h"
#include "calx/diffusion/guidance.h"
#include "calx/diffusion/model_file.h"
#include "calx/diffusion/sampler.h"
#include "calx/diffusion/training_page.h"
#include "calx/format/canonical_json.h"
#include "calx/format/image.h"
#include "calx/format/png.h"
#include "calx/nn/threads.h"
#include "calx/nn/unet_trainer.h"

namespace calx::diffusion {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kRecentSteps = 100;
constexpr int kSampleSteps = 20;
constexpr float kSampleGuidance = 1.5F;
constexpr const char* kCheckpointName = "checkpoint.safetensors";

double mean(std::span<const float> values) {
  return values.empty() ? 0.0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

Result<void> check(const TrainingSettings& settings) {
  CALX_TRY(nn::check(settings.network));
  if (settings.network.side != kDigitSide || settings.network.classes != kDigitClasses) {
    return fail(ErrorCode::kInvalidArgument,
                "digit training wants a network of side 32, 10 classes");
  }
  if (settings.steps < 1 || settings.steps > kTrainingStepsMax) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("training steps {}: wanted 1 to {}",
                                                         settings.steps, kTrainingStepsMax));
  }
  if (!(settings.learning_rate > 0 && settings.learning_rate <= 1)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("learning rate {}: wanted over 0, at most 1", settings.learning_rate));
  }
  return {};
}

// One run in progress: the trainer, its batches and the folder it writes.
class Session {
 public:
  Session(const DigitSet& digits, const TrainingSettings& settings, const TrainingRun& run)
      : digits_(digits), settings_(settings), run_(run), text_(describe(settings, digits)) {}

  Result<void> open();
  Result<void> step();
  Result<void> save();
  Result<void> finish_epoch(std::int64_t epoch);
  Result<TrainingReport> report() const;
  [[nodiscard]] TrainingProgress progress() const;

  [[nodiscard]] std::int64_t steps() const noexcept { return std::ssize(losses_); }
  [[nodiscard]] std::int64_t epochs() const noexcept { return source_->epochs(steps()); }
  [[nodiscard]] double seconds() const {
    return seconds_before_ + std::chrono::duration<double>(Clock::now() - started_).count();
  }
  [[nodiscard]] double seconds_now() const { return seconds() - seconds_before_; }

 private:
  [[nodiscard]] std::filesystem::path file(const std::string& name) const {
    return run_.folder / name;
  }
  Result<void> log(const std::string& line) const;
  Result<void> restore();
  Result<std::vector<std::uint8_t>> sample_sheet() const;
  Result<void> load_samples();
  Result<void> save_model(const nn::Parameters& mean_weights) const;
  Result<void> save_page() const;
  Result<void> save_json() const;
  std::vector<std::pair<std::string, std::string>> facts() const;

  const DigitSet& digits_;
  const TrainingSettings& settings_;
  const TrainingRun& run_;
  std::string text_;
  std::optional<nn::UNetTrainer> trainer_;
  std::optional<BatchSource> source_;
  std::vector<float> losses_;
  std::vector<SampleSheet> samples_;
  std::int64_t parameters_ = 0;
  std::int64_t steps_before_ = 0;
  double seconds_before_ = 0;
  Clock::time_point started_ = Clock::now();
};

Result<void> Session::open() {
  CALX_TRY(check(settings_));
  CALX_ASSIGN(source, BatchSource::open(digits_, settings_.seed, settings_.batch));
  source_.emplace(std::move(source));
  std::error_code error;
  std::filesystem::create_directories(run_.folder / "samples", error);
  if (error) {
    return fail(ErrorCode::kUnavailable, fmt::format("cannot make the folder {}: {}",
                                                     run_.folder.string(), error.message()));
  }
  nn::set_threads(run_.threads);
  const bool there = std::filesystem::exists(file(kCheckpointName), error);
  if (run_.resume) {
    if (!there) {
      return fail(ErrorCode::kNotFound,
                  fmt::format("{}: no checkpoint to resume from", run_.folder.string()));
    }
    CALX_TRY(restore());
  } else {
    if (there) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} holds a training run: resume it, or name another folder",
                              run_.folder.string()));
    }
    CALX_ASSIGN(trainer, nn::UNetTrainer::create(settings_.network, settings_.seed));
    trainer_.emplace(std::move(trainer));
    CALX_TRY(write_file(file("training.log"), std::string_view("")));
  }
  CALX_ASSIGN(network, trainer_->mean_network());
  parameters_ = network.parameter_count();
  CALX_TRY(log(text_));
  CALX_TRY(log(fmt::format("{} parameters, {} pictures, {} threads, LibTorch {}{}", parameters_,
                           digits_.size(), run_.threads, nn::torch_version(),
                           steps() > 0 ? fmt::format(", resumed at step {}", steps()) : "")));
  started_ = Clock::now();
  return {};
}

Result<void> Session::restore() {
  CALX_ASSIGN(checkpoint, load_checkpoint(file(kCheckpointName)));
  if (checkpoint.run != text_) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is a checkpoint of another run ({}), wanted ({})",
                            file(kCheckpointName).string(), checkpoint.run, text_));
  }
  CALX_ASSIGN(trainer, nn::UNetTrainer::resume(settings_.network, checkpoint.state));
  trainer_.emplace(std::move(trainer));
  losses_ = std::move(checkpoint.losses);
  seconds_before_ = checkpoint.seconds;
  steps_before_ = steps();
  return load_samples();
}

// The sheets of earlier epochs come back from the folder for the page; a missing one is no error.
Result<void> Session::load_samples() {
  constexpr std::uint64_t kSheetBytesMax = 1 << 20;
  for (std::int64_t epoch = 1; epoch <= epochs(); ++epoch) {
    auto bytes = read_file(file(fmt::format("samples/epoch-{:03}.png", epoch)), kSheetBytesMax);
    if (bytes) samples_.push_back({epoch, std::move(*bytes)});
  }
  return {};
}

Result<void> Session::log(const std::string& line) const {
  std::ofstream out(file("training.log"), std::ios::app);
  out << line << '\n';
  out.flush();
  if (out) return {};
  return fail(ErrorCode::kUnavailable,
              fmt::format("cannot append to {}", file("training.log").string()));
}

Result<void> Session::step() {
  CALX_ASSIGN(batch, source_->draw(steps()));
  const auto k = static_cast<double>(steps());
  nn::OptimizerSettings optimizer;
  optimizer.learning_rate = learning_rate(settings_, steps());
  optimizer.weight_decay = settings_.weight_decay;
  optimizer.ema_decay = std::min(settings_.ema_decay_max, (1 + k) / (10 + k));
  CALX_ASSIGN(loss, trainer_->step(batch, optimizer));
  losses_.push_back(loss);
  return {};
}

TrainingProgress Session::progress() const {
  TrainingProgress now;
  now.step = steps();
  now.steps = settings_.steps;
  now.epoch = epochs() + 1;
  now.loss = mean(std::span(losses_).last(std::min(losses_.size(), kRecentSteps)));
  now.learning_rate = learning_rate(settings_, std::max<std::int64_t>(steps() - 1, 0));
  now.seconds = seconds();
  const double each =
      seconds_now() / static_cast<double>(std::max<std::int64_t>(steps() - steps_before_, 1));
  now.seconds_left = each * static_cast<double>(settings_.steps - steps());
  now.pictures_per_second = each > 0 ? settings_.batch.batch / each : 0;
  return now;
}

Result<std::vector<std::uint8_t>> Session::sample_sheet() const {
  CALX_ASSIGN(network, trainer_->mean_network());
  CALX_ASSIGN(sampler, find_sampler("dpmpp-2m"));
  std::vector<format::Image> tiles;
  std::vector<float> picture(std::size_t{kDigitSide} * kDigitSide);
  for (int digit = 0; digit < kDigitClasses; ++digit) {
    const GuidedDenoiser denoiser(network, digit, kSampleGuidance);
    const auto seed = noise::Seed::from_integer(std::int64_t{digit});
    CALX_TRY(sample(*sampler, denoiser, kSampleSteps, seed, kDigitSide, picture));
    tiles.push_back(to_image(picture, kDigitSide));
  }
  CALX_ASSIGN(sheet, format::grid(tiles, kDigitClasses));
  return format::encode_png(sheet);
}

Result<void> Session::finish_epoch(std::int64_t epoch) {
  CALX_ASSIGN(sheet, sample_sheet());
  CALX_TRY(write_file(file(fmt::format("samples/epoch-{:03}.png", epoch)), sheet));
  samples_.push_back({epoch, std::move(sheet)});
  const auto means = epoch_losses(*source_, losses_);
  const TrainingProgress now = progress();
  CALX_TRY(
      log(fmt::format("epoch {:3}  step {:6}  loss {:.5f}  rate {:.3e}  {:.0f} pictures/s  "
                      "{:.0f} s",
                      epoch, now.step, means.at(static_cast<std::size_t>(epoch - 1)),
                      now.learning_rate, now.pictures_per_second, now.seconds)));
  return save_page();
}

Result<void> Session::save_model(const nn::Parameters& mean_weights) const {
  ModelFile model{settings_.network, mean_weights, {}};
  for (const auto& [key, value] : facts()) model.notes["training." + key] = value;
  model.notes["training.command"] = run_.command;
  CALX_ASSIGN(bytes, encode_model(model));
  return write_file(file(run_.name + ".safetensors"), bytes);
}

Result<void> Session::save() {
  Checkpoint checkpoint{text_, settings_.network, trainer_->state(), losses_, seconds()};
  CALX_TRY(save_model(checkpoint.state.mean));
  CALX_TRY(save_checkpoint(file(kCheckpointName), checkpoint));
  CALX_TRY(save_json());
  return save_page();
}

std::vector<std::pair<std::string, std::string>> Session::facts() const {
  const auto means = epoch_losses(*source_, losses_);
  const std::string last = means.empty() ? "" : fmt::format("{:.5f}", means.back());
  return {{"data", digits_.source},
          {"data_sha256", digits_.digest},
          {"pictures", fmt::format("{}", digits_.size())},
          {"seed", settings_.seed.to_string()},
          {"network", to_text(settings_.network)},
          {"parameters", fmt::format("{}", parameters_)},
          {"steps", fmt::format("{} of {}", steps(), settings_.steps)},
          {"epochs", fmt::format("{}", epochs())},
          {"loss_last_epoch", last},
          {"threads", fmt::format("{}", run_.threads)},
          {"settings", text_},
          {"libtorch", nn::torch_version()}};
}

Result<void> Session::save_page() const {
  TrainingPage page{run_.command, facts(), epoch_losses(*source_, losses_), losses_, samples_};
  page.facts.emplace_back("seconds", fmt::format("{:.0f}", seconds()));
  return write_file(file("index.html"), render(page));
}

Result<void> Session::save_json() const {
  format::Json json;
  json.set("command", run_.command);
  for (const auto& [key, value] : facts()) json.set(key, value);
  json.set("seconds", fmt::format("{:.0f}", seconds()));
  format::Json means = format::Json::array();
  for (const double value : epoch_losses(*source_, losses_))
    means.push(fmt::format("{:.5f}", value));
  json.set("loss_by_epoch", std::move(means));
  CALX_ASSIGN(text, format::encode_pretty_json(json));
  return write_file(file("training.json"), text);
}

Result<TrainingReport> Session::report() const {
  const auto means = epoch_losses(*source_, losses_);
  TrainingReport report;
  report.complete = steps() >= settings_.steps;
  report.steps = steps();
  report.epochs = epochs();
  report.parameters = parameters_;
  if (!means.empty()) {
    report.loss_first_epoch = means.front();
    report.loss_last_epoch = means.back();
  }
  report.seconds = seconds();
  report.model = file(run_.name + ".safetensors");
  report.checkpoint = file(kCheckpointName);
  report.page = file("index.html");
  report.log = file("training.log");
  return report;
}

}  // namespace

double learning_rate(const TrainingSettings& settings, std::int64_t step) noexcept {
  const auto warm_up = std::min(settings.warm_up_steps, settings.steps);
  if (step < warm_up) {
    return settings.learning_rate * static_cast<double>(step + 1) / static_cast<double>(warm_up);
  }
  const double part = static_cast<double>(step - warm_up) /
                      static_cast<double>(std::max<std::int64_t>(settings.steps - warm_up, 1));
  return settings.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * part));
}

std::string describe(const TrainingSettings& settings, const DigitSet& digits) {
  return fmt::format(
      "{} seed={} steps={} batch={} class_dropout={} shift={} rate={} warm_up={} decay={} ema={} "
      "data={}",
      to_text(settings.network), settings.seed.to_string(), settings.steps, settings.batch.batch,
      settings.batch.class_dropout, settings.batch.shift_pixels, settings.learning_rate,
      settings.warm_up_steps, settings.weight_decay, settings.ema_decay_max,
      digits.digest.substr(0, 16));
}

std::vector<double> epoch_losses(const BatchSource& source, std::span<const float> losses) {
  std::vector<double> means;
  std::size_t first = 0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const auto done = static_cast<std::int64_t>(i) + 1;
    const bool ends = source.epochs(done) > source.epochs(done - 1) || i + 1 == losses.size();
    if (!ends) continue;
    means.push_back(mean(losses.subspan(first, i + 1 - first)));
    first = i + 1;
  }
  return means;
}

Result<TrainingReport> train_digits(const DigitSet& digits, const TrainingSettings& settings,
                                    const TrainingRun& run, const TrainingObserver& observer,
                                    const std::stop_token& stop) {
  Session session(digits, settings, run);
  CALX_TRY(session.open());
  std::int64_t epoch = session.epochs();
  while (session.steps() < settings.steps && !stop.stop_requested()) {
    if (run.minutes_max > 0 && session.seconds_now() >= 60 * run.minutes_max) break;
    CALX_TRY(session.step());
    if (observer) observer(session.progress());
    if (session.epochs() > epoch) {
      epoch = session.epochs();
      CALX_TRY(session.finish_epoch(epoch));
    }
    if (run.checkpoint_steps > 0 && session.steps() % run.checkpoint_steps == 0) {
      CALX_TRY(session.save());
    }
  }
  CALX_TRY(session.save());
  return session.report();
}

}  // namespace calx::diffusion
