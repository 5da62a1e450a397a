// Training of the plain U-Net (nn/published_unet.h) to take noise off pictures, as seed 003's
// experiments want it: short, repeatable, and safe to stop.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/inference/report.h"
#include "calx/nn/published_unet.h"
#include "calx/noise/seed.h"

namespace calx::inference {

inline constexpr std::int64_t kPublishedImagesMax = 10'000'000;

/// What fixes a run, bit for bit at one thread count on one machine. Input = picture + sigma
/// N(0, 1) in every channel, target = picture, mean squared error, Adam.
struct PublishedTraining {
  nn::PublishedUNetConfig network;
  noise::Seed seed = noise::Seed::from_integer(std::int64_t{42});
  double sigma = 0.5;
  int batch = 32;
  std::int64_t images = 6400;  // seen in all; a whole number of batches
  double learning_rate = 1e-3;
  /// rate (1 - seen / images) + rate / 100 after the first step, which takes `learning_rate`; else
  /// the same rate always.
  bool falling = true;
};

/// The public code's own training at width 128: 4 channels that repeat the picture, sigma 0.1, Adam
/// 3e-4, here with as many images as the reference's stage B saw (2,560 in batches of 64).
PublishedTraining stage_b_training();

/// Errors: kInvalidArgument names the number out of range; those of nn::check().
Result<void> check(const PublishedTraining& training);

/// The learning rate of a step, counted from 0.
double learning_rate(const PublishedTraining& training, std::int64_t step) noexcept;

/// What does not change the weights.
struct PublishedTrainingRun {
  std::filesystem::path folder;  // made if absent; holds the checkpoint
  int threads = 1;
  std::int64_t checkpoint_steps = 20;
};

struct TrainedPublishedUNet {
  nn::PublishedUNet network;
  std::vector<float> losses;  // batch mean squared error before each step
  double seconds = 0;         // of training, all sessions together
  std::filesystem::path file;
  std::string run;  // all that fixes it, as one line
};

/// Trains on `pictures` [n, side, side] in [-1, 1], drawn with replacement: step s shows picture
/// floor(w n / 2^32) for each word w of stream "train/pick", index s, under noise of "train/noise",
/// index s. Writes run.folder/unet-<width>-<digest of all that fixes the run>.safetensors every
/// checkpoint_steps and at the end; goes on from that file if it is there, and only reads it when
/// the training it holds is complete.
/// Errors: kInvalidArgument (settings; no picture, a number that is not finite or beyond [-1, 1]);
/// kDataLoss (a checkpoint that is damaged, of another run or not finite);
/// kInternal (the loss is not finite); kCancelled on a stop, the checkpoint written; those of
/// writing. `observer` may be empty; it is called after every step.
Result<TrainedPublishedUNet> train_published(std::span<const float> pictures,
                                             const PublishedTraining& training,
                                             const PublishedTrainingRun& run,
                                             const Observer& observer, const std::stop_token& stop);

}  // namespace calx::inference
