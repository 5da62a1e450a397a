// Training the judge: minutes on two cores, the same bits again from the same seed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/eval/bootstrap.h"
#include "calx/nn/classifier.h"
#include "calx/noise/seed.h"

namespace calx::eval {

inline constexpr int kJudgeEpochsMax = 1000;

struct JudgeSettings {
  nn::ClassifierConfig network;
  noise::Seed seed;
  int epochs = 16;
  std::size_t batch = 64;
  double rate_max = 4e-3;  // one cycle: a cosine up over the first quarter, then down to nothing
  double weight_decay = 0.02;
  double label_smoothing = 0.1;
  int shift_pixels = 2;  // each picture moves by up to this, each way, anew in every epoch
};

struct JudgeRun {
  std::filesystem::path folder;  // made if absent; gets weights.safetensors and the log
  std::string command;           // as given, for the records
  int threads = 1;
};

struct JudgeProgress {
  std::int64_t step = 0, steps = 0;
  double loss = 0.0;  // mean of this epoch so far
  double seconds = 0.0, seconds_left = 0.0;
};

struct JudgeReport {
  std::int64_t parameters = 0, steps = 0;
  double loss_last_epoch = 0.0;
  std::int64_t correct = 0, judged = 0;  // of the held-out set, which nothing was chosen on
  Interval accuracy;                     // 95 %, Wilson
  double seconds = 0.0;
  std::string digest;  // SHA-256 of the weight file
  std::filesystem::path model, log;
};

using JudgeObserver = std::function<void(const JudgeProgress&)>;

/// Trains on `train` and judges `test` once, at the end. Deterministic at one thread count on one
/// machine. Order, shifts and weights come from streams of the seed, dropout from LibTorch's
/// generator seeded by step.
/// Errors: kInvalidArgument (settings; sets of fewer pictures than a batch); kCancelled on a stop,
/// which leaves no file (a run takes minutes and is not resumed); those of writing.
Result<JudgeReport> train_judge(const diffusion::DigitSet& train, const diffusion::DigitSet& test,
                                const JudgeSettings& settings, const JudgeRun& run,
                                const JudgeObserver& observer, const std::stop_token& stop);

/// The network alone, as train_judge() trains it, without files; `losses` gets one mean an epoch.
Result<nn::Classifier> train_classifier(const diffusion::DigitSet& train,
                                        const JudgeSettings& settings, std::vector<double>& losses,
                                        const JudgeObserver& observer, const std::stop_token& stop);

/// Learning rate of `step` of `steps`.
double one_cycle_rate(double rate_max, std::int64_t step, std::int64_t steps) noexcept;

}  // namespace calx::eval
