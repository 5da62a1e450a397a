// One HTML page that shows a training run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/image.h"

namespace calx::diffusion {

struct SampleSheet {
  std::int64_t epoch = 0;
  std::vector<std::uint8_t> png;
};

struct TrainingPage {
  std::string command;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<double> epoch_losses;
  std::vector<float> step_losses;
  std::vector<SampleSheet> samples;  // oldest first
};

/// The whole file: facts, the loss by epoch and by step, and the samples of each epoch.
std::string render(const TrainingPage& page);

/// Grey bytes of a picture in [-1, 1]: round(127.5 (x + 1)), held to 0..255, halves up.
/// \pre picture.size() is side * side
format::Image to_image(std::span<const float> picture, int side);

}  // namespace calx::diffusion
