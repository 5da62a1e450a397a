// Training a digit model: from labelled pictures to weights, a log and a page.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/diffusion/training_batch.h"
#include "calx/nn/unet.h"
#include "calx/noise/seed.h"

namespace calx::diffusion {

inline constexpr std::int64_t kTrainingStepsMax = 10'000'000;

/// What fixes a run, bit for bit at one thread count on one machine.
struct TrainingSettings {
  nn::UNetConfig network;
  noise::Seed seed;
  std::int64_t steps = 11'000;
  BatchSettings batch;
  double learning_rate = 2e-3;  // after the warm-up; then a half cosine to 0 at the last step
  std::int64_t warm_up_steps = 300;
  double weight_decay = 0.01;
  double ema_decay_max = 0.999;  // min(this, (1 + k) / (10 + k)) at step k
};

/// What does not change the weights.
struct TrainingRun {
  std::filesystem::path folder;  // made if absent; see below
  std::string name = "digits";
  std::string command;  // as the user gave it, for the records
  bool resume = false;
  int threads = 1;
  std::int64_t checkpoint_steps = 500;
  double minutes_max = 0;  // 0: no limit; at the limit the run stops as on a stop request
};

struct TrainingProgress {
  std::int64_t step = 0, steps = 0, epoch = 0;
  double loss = 0.0;  // mean over the last hundred steps
  double learning_rate = 0.0;
  double seconds = 0.0, seconds_left = 0.0;  // of training, this session's share included
  double pictures_per_second = 0.0;
};

struct TrainingReport {
  bool complete = false;  // false: stopped; resume goes on
  std::int64_t steps = 0, epochs = 0, parameters = 0;
  double loss_first_epoch = 0.0, loss_last_epoch = 0.0;
  double seconds = 0.0;
  std::filesystem::path model, checkpoint, page, log;
};

/// Called after every step, on the training thread.
using TrainingObserver = std::function<void(const TrainingProgress&)>;

/// Trains with v-prediction and plain squared error, and writes into run.folder:
/// NAME.safetensors (f32, running mean of the weights), checkpoint.safetensors (every
/// checkpoint_steps and at the end), training.log (one line an epoch), training.json (command,
/// seed, settings, figures), samples/epoch-NNN.png (one digit of each class), index.html.
///
/// On a stop request or at minutes_max the current step is finished, all files are written and the
/// report says complete = false.
/// Errors: kInvalidArgument (settings; a checkpoint of another run; a folder that holds a run when
/// `resume` is false); kNotFound (nothing to resume); those of writing files.
Result<TrainingReport> train_digits(const DigitSet& digits, const TrainingSettings& settings,
                                    const TrainingRun& run, const TrainingObserver& observer,
                                    const std::stop_token& stop);

/// The learning rate of a step, counted from 0.
double learning_rate(const TrainingSettings& settings, std::int64_t step) noexcept;

/// All that fixes the run, as one line.
std::string describe(const TrainingSettings& settings, const DigitSet& digits);

/// Mean loss of each whole epoch; the last entry may be of a part.
std::vector<double> epoch_losses(const BatchSource& source, std::span<const float> losses);

}  // namespace calx::diffusion
