// Many pictures at once through one sampler, with or without a substrate in the network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/digest.h"
#include "calx/inference/substrate_block.h"
#include "calx/nn/unet.h"

namespace calx::inference {

inline constexpr std::size_t kBatchPicturesMax = 1000;

/// How the pictures of an arm are made.
struct BatchRecipe {
  std::string sampler = "dpmpp-2m";  // one that draws no noise of its own
  int steps = 20;
  float guidance = 1.5F;                    // 1: without the pass that has no class
  const BlockMachines* machines = nullptr;  // none: the digital network alone
  Readout readout = Readout::kMean;
};

/// Pictures of the seeds, [n, side, side] in about [-1, 1]: the latent from stream "init" of each
/// seed, then all pictures in step, `2 n` rows a pass when guided (n with class, n without), x_0
/// held to [-1, 1] as the shipped denoiser holds it.
///
/// With n = 1 and no machines the bits are those of diffusion::sample(). LibTorch's sums differ
/// between batch sizes in the last bits, so a picture belongs to its batch.
/// Errors: kInvalidArgument (sizes, a class, a sampler that draws noise, a fit for other steps);
/// kCancelled between steps; those of the network.
Result<std::vector<float>> sample_batch(const nn::UNet& network, const BatchRecipe& recipe,
                                        std::span<const hash::Digest> seeds,
                                        std::span<const std::int32_t> classes,
                                        const std::stop_token& stop = {});

}  // namespace calx::inference
