// Pictures from seeds, many at once, each the same bits whatever the others and the threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/sampler.h"
#include "calx/format/image.h"
#include "calx/hash/digest.h"
#include "calx/nn/unet.h"
#include "calx/receipt/identity.h"
#include "calx/receipt/verify.h"

namespace calx::diffusion {

/// How a picture of one class is made from a seed.
struct ImageRecipe {
  const Sampler* sampler = nullptr;
  std::int32_t class_index = 0;
  float guidance = 1.0F;
  int steps = 1;
};

/// The recipe that an identity names.
/// Errors: kInvalidArgument (class, size, sampler or steps that this network cannot do).
Result<ImageRecipe> recipe_of(const receipt::Identity& identity, const nn::UNet& network);

struct MadeImage {
  std::uint64_t index = 0;
  hash::Digest seed{};
  receipt::RegeneratedImage result;
};

/// Called with one finished image at a time, in the order of completion. An Error ends the batch.
using ImageSink = std::function<Result<void>(MadeImage&&)>;

/// Makes every wanted image, one forward pass for one image, `threads` images at a time.
/// Errors: kCancelled on a stop (finished images have been handed over); those of sink and network.
Result<void> make_images(const nn::UNet& network, const ImageRecipe& recipe,
                         std::span<const receipt::WantedImage> wanted, int threads,
                         const ImageSink& sink, const std::stop_token& stop);

/// The picture of one image without its latent digest: floats in [-1, 1], [side, side].
Result<std::vector<float>> make_picture(const nn::UNet& network, const ImageRecipe& recipe,
                                        const hash::Digest& seed, const std::stop_token& stop = {});

}  // namespace calx::diffusion
