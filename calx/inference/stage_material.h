// Networks and activations of stage C: what is trained on which pictures, and kept where.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/inference/decoder_task.h"
#include "calx/inference/report.h"
#include "calx/inference/stage_split.h"

namespace calx::inference {

/// What fixes a network of stage C and what it sees; a run of the same gives the same weights.
struct StageNetwork {
  int width = 64;
  std::int64_t train_images = 6400;  // seen in training, in batches of 32
  double sigma = 0.5;                // of the noise, in training and after
  SplitSizes sizes;
};

struct StageCRun {
  std::filesystem::path work;  // checkpoints and finished parts; a stopped run goes on from them
  std::string command;         // for the record
  unsigned threads = 1;
};

/// Pictures of handwriting; none: that part is skipped and the report says so.
struct Handwriting {
  diffusion::DigitSet train, held_out;
};

/// One kind of pictures: "digits" (drawn) or "mnist".
struct Material {
  std::string data;
  std::vector<float> train;  // [n, 32, 32]
  const Handwriting* handwriting = nullptr;

  /// Errors: those of drawn_split or handwritten_split.
  [[nodiscard]] Result<StageSplit> split(std::uint32_t data_seed, const SplitSizes& sizes) const;
};

/// Draws the first sizes.train digits of the seed "calx stage c digits". Errors: those of drawing.
Result<Material> drawn_material(const SplitSizes& sizes);
/// Handwriting less what is kept to fit on. \pre `handwriting` outlives the material
Material handwritten_material(const Handwriting& handwriting);

struct PreparedTask {
  DecoderTask task;
  StageSplit split;
  std::string network;        // all that fixes its weights, as one line
  double training_cpu_s = 0;  // of the process, all sessions together
};

/// The network of a seed, trained or read from run.work, on a split of the material.
/// Errors: those of train_published, of the split and of decoder_task.
Result<PreparedTask> prepare_task(const Material& material, const StageNetwork& network,
                                  const StageCRun& run, std::uint32_t unet_seed,
                                  std::uint32_t data_seed, const Observer& observer,
                                  const std::stop_token& stop);

}  // namespace calx::inference
