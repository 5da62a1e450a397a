// A training run on disk, such that going on gives the bits of an unbroken run.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/nn/unet.h"
#include "calx/nn/unet_trainer.h"

namespace calx::diffusion {

struct Checkpoint {
  std::string run;  // everything that fixes the run, in one line; a resumed run must have the same
  nn::UNetConfig config;
  nn::TrainerState state;
  std::vector<float> losses;  // of every step so far
  double seconds = 0.0;       // spent so far
};

/// Writes a sealed safetensors file, whole or not at all. Errors: those of write_file().
Result<void> save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint);

/// Errors: kNotFound; kDataLoss when the file is damaged or no checkpoint.
Result<Checkpoint> load_checkpoint(const std::filesystem::path& path);

}  // namespace calx::diffusion
