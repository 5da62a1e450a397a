#include "calx/eval/judge_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <numeric>

#include "calx/base/atomic_file.h"
#include "calx/base/origin.h"
#include "calx/eval/judge.h"
#include "calx/format/canonical_json.h"
#include "calx/nn/threads.h"
#include "calx/noise/stream.h"

namespace calx::eval {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kSide = diffusion::kDigitSide;
constexpr std::size_t kPixels = kSide * kSide;
constexpr double kRise = 0.25;           // share of the steps in which the rate grows
constexpr double kRateFirst = 1.0 / 25;  // of the maximum, at the first step
constexpr int kShiftMax = 4;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Result<std::vector<std::uint32_t>> words(const noise::Seed& seed, std::string_view name,
                                         std::uint64_t index, std::size_t count) {
  CALX_ASSIGN(stream, noise::Stream::open(seed, name, index));
  std::vector<std::uint32_t> out(count);
  noise::Region region;
  region.columns = static_cast<std::uint32_t>(count);
  CALX_TRY(stream.bits(region, out));
  return out;
}

// `word` picks one of the (2 reach + 1)^2 places; what moves in is background.
void copy_shifted(std::span<const float> from, std::uint32_t word, int reach, float* to) {
  const auto places = static_cast<std::uint32_t>(2 * reach + 1);
  const int down = static_cast<int>((word & 0xffffU) % places) - reach;
  const int right = static_cast<int>((word >> 16) % places) - reach;
  const int side = static_cast<int>(kSide);
  for (int row = 0; row < side; ++row) {
    for (int column = 0; column < side; ++column) {
      const int r = row - down, c = column - right;
      const bool inside = r >= 0 && r < side && c >= 0 && c < side;
      *to++ = inside ? from[static_cast<std::size_t>(r * side + c)] : -1.0F;
    }
  }
}

Result<void> check(const diffusion::DigitSet& train, const JudgeSettings& settings) {
  CALX_TRY(nn::check(settings.network));
  if (settings.network.side != diffusion::kDigitSide) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("judge of side {}: wanted {}", settings.network.side, kSide));
  }
  if (settings.epochs < 1 || settings.epochs > kJudgeEpochsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("judge epochs {}: wanted 1 to {}", settings.epochs, kJudgeEpochsMax));
  }
  if (settings.batch < 2 || settings.batch > train.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("judge batch {}: wanted 2 to the {} training pictures", settings.batch,
                            train.size()));
  }
  if (settings.shift_pixels < 0 || settings.shift_pixels > kShiftMax) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("judge shift {} pixels: wanted 0 to {}",
                                                         settings.shift_pixels, kShiftMax));
  }
  return {};
}

}  // namespace

double one_cycle_rate(double rate_max, std::int64_t step, std::int64_t steps) noexcept {
  const double part =
      static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(steps, 1));
  const auto wave = [](double x) { return 0.5 * (1 - std::cos(std::numbers::pi * x)); };
  if (part < kRise) return rate_max * (kRateFirst + (1 - kRateFirst) * wave(part / kRise));
  return rate_max * (1 - wave((part - kRise) / (1 - kRise)));
}

Result<nn::Classifier> train_classifier(const diffusion::DigitSet& train,
                                        const JudgeSettings& settings, std::vector<double>& losses,
                                        const JudgeObserver& observer,
                                        const std::stop_token& stop) {
  CALX_TRY(check(train, settings));
  CALX_ASSIGN(trainer, nn::ClassifierTrainer::create(settings.network, settings.seed));
  const auto batches = static_cast<std::int64_t>(train.size() / settings.batch);
  const std::int64_t steps = batches * settings.epochs;
  std::vector<float> pictures(settings.batch * kPixels);
  std::vector<std::int32_t> labels(settings.batch);
  std::vector<std::uint32_t> order(train.size());
  const auto started = Clock::now();
  for (std::int64_t step = 0; step < steps; ++step) {
    if (stop.stop_requested()) {
      return fail(ErrorCode::kCancelled, "training the judge was stopped; nothing was written");
    }
    const std::int64_t epoch = step / batches, batch = step % batches;
    if (batch == 0) {
      CALX_ASSIGN(keys, words(settings.seed, "judge/order", static_cast<std::uint64_t>(epoch),
                              train.size()));
      std::iota(order.begin(), order.end(), 0U);
      std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return keys[i]; });
      losses.push_back(0);
    }
    CALX_ASSIGN(shifts, words(settings.seed, "judge/shift", static_cast<std::uint64_t>(step),
                              settings.batch));
    for (std::size_t i = 0; i < settings.batch; ++i) {
      const auto pick = order[static_cast<std::size_t>(batch) * settings.batch + i];
      labels[i] = train.labels[pick];
      copy_shifted(train.picture(pick), shifts[i], settings.shift_pixels,
                   pictures.data() + i * kPixels);
    }
    const nn::ClassifierStep optimizer{one_cycle_rate(settings.rate_max, step, steps),
                                       settings.weight_decay, settings.label_smoothing,
                                       static_cast<std::uint64_t>(step)};
    CALX_ASSIGN(loss, trainer.step(pictures, labels, optimizer));
    losses.back() += (static_cast<double>(loss) - losses.back()) / static_cast<double>(batch + 1);
    const double seconds = seconds_since(started);
    if (observer) {
      observer({step + 1, steps, losses.back(), seconds,
                seconds / static_cast<double>(step + 1) * static_cast<double>(steps - step - 1)});
    }
  }
  return trainer.network();
}

Result<JudgeReport> train_judge(const diffusion::DigitSet& train, const diffusion::DigitSet& test,
                                const JudgeSettings& settings, const JudgeRun& run,
                                const JudgeObserver& observer, const std::stop_token& stop) {
  std::error_code error;
  std::filesystem::create_directories(run.folder, error);
  if (error) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("cannot make the folder {}: {}", run.folder.string(), error.message()));
  }
  const auto started = Clock::now();
  nn::set_threads(run.threads);
  std::vector<double> losses;
  CALX_ASSIGN(network, train_classifier(train, settings, losses, observer, stop));
  JudgeReport report;
  report.seconds = seconds_since(started);
  CALX_ASSIGN(judgement, judge_pictures(network, grey_pictures(test), run.threads));
  report.correct = count_equal(judgement.classes, test.labels);
  report.judged = static_cast<std::int64_t>(test.size());
  report.accuracy = wilson_interval(report.correct, report.judged);
  report.parameters = network.parameter_count();
  report.steps = static_cast<std::int64_t>(train.size() / settings.batch) * settings.epochs;
  report.loss_last_epoch = losses.back();
  report.model = run.folder / "weights.safetensors";
  report.log = run.folder / "training.log";

  const std::vector<std::pair<std::string, std::string>> facts = {
      {"command", run.command},
      {"origin", std::string(to_string(Origin::kSoftware))},
      {"seed", settings.seed.to_string()},
      {"data", train.source},
      {"data_sha256", train.digest},
      {"held_out", test.source},
      {"held_out_sha256", test.digest},
      {"settings",
       fmt::format("epochs={} batch={} rate={} decay={} smoothing={} shift={} dropout={:.2f}",
                   settings.epochs, settings.batch, settings.rate_max, settings.weight_decay,
                   settings.label_smoothing, settings.shift_pixels, settings.network.dropout)},
      {"threads", fmt::format("{}", run.threads)},
      {"libtorch", nn::torch_version()},
      {"parameters", fmt::format("{}", report.parameters)},
      {"loss_last_epoch", fmt::format("{:.4f}", report.loss_last_epoch)},
      {"held_out_correct", fmt::format("{} of {}", report.correct, report.judged)}};
  std::map<std::string, std::string> notes;
  for (const auto& [key, value] : facts) notes["training." + key] = value;
  CALX_TRY(save_judge(report.model, network, notes));
  CALX_ASSIGN(saved, load_judge(report.model));
  report.digest = saved.digest;

  std::string log;
  format::Json json;
  for (const auto& [key, value] : facts) {
    log += fmt::format("{}: {}\n", key, value);
    json.set(key, value);
  }
  for (std::size_t i = 0; i < losses.size(); ++i) {
    log += fmt::format("epoch {:3}  loss {:.5f}\n", i + 1, losses[i]);
  }
  log += fmt::format("weights sha256 {}\ntrained in {:.0f} s\n", report.digest, report.seconds);
  json.set("accuracy_low", fmt::format("{:.4f}", report.accuracy.low));
  json.set("accuracy_high", fmt::format("{:.4f}", report.accuracy.high));
  json.set("seconds", fmt::format("{:.0f}", report.seconds)).set("sha256", report.digest);
  CALX_TRY(write_file(report.log, log));
  CALX_ASSIGN(text, format::encode_pretty_json(json));
  CALX_TRY(write_file(run.folder / "training.json", text));
  return report;
}

}  // namespace calx::eval
