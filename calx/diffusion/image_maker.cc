#include "calx/diffusion/image_maker.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "calx/diffusion/guidance.h"
#include "calx/diffusion/training_page.h"
#include "calx/nn/threads.h"
#include "calx/receipt/receipt.h"

namespace calx::diffusion {
namespace {

Result<MadeImage> make_one(const nn::UNet& network, const ImageRecipe& recipe,
                           const receipt::WantedImage& wanted, const std::stop_token& stop) {
  const int side = network.config().side;
  const auto extent = static_cast<std::uint32_t>(side);
  std::vector<float> latent(std::size_t{extent} * extent);
  CALX_TRY(draw_noise(noise::Seed::from_bytes(wanted.seed), "init", side, latent));
  CALX_ASSIGN(picture, make_picture(network, recipe, wanted.seed, stop));
  return MadeImage{wanted.index,
                   wanted.seed,
                   {to_image(picture, side), receipt::latent_digest(1, extent, extent, latent)}};
}

}  // namespace

Result<ImageRecipe> recipe_of(const receipt::Identity& identity, const nn::UNet& network) {
  const auto& config = network.config();
  const auto classes = static_cast<std::uint32_t>(config.classes);
  if (identity.class_index >= classes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("class {}: wanted 0 to {}", identity.class_index, classes - 1));
  }
  const auto side = static_cast<std::uint32_t>(config.side);
  if (identity.width != side || identity.height != side) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("size {} x {}: this model makes {} x {}", identity.width,
                            identity.height, side, side));
  }
  if (identity.steps < 1 || identity.steps > kSamplerStepsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("steps {}: wanted 1 to {}", identity.steps, kSamplerStepsMax));
  }
  CALX_ASSIGN(sampler, find_sampler(identity.sampler));
  return ImageRecipe{sampler, static_cast<std::int32_t>(identity.class_index),
                     static_cast<float>(identity.guidance_thousandths) / 1000.0F,
                     static_cast<int>(identity.steps)};
}

Result<std::vector<float>> make_picture(const nn::UNet& network, const ImageRecipe& recipe,
                                        const hash::Digest& seed, const std::stop_token& stop) {
  const int side = network.config().side;
  std::vector<float> picture(static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  const GuidedDenoiser denoiser(network, recipe.class_index, recipe.guidance);
  CALX_TRY(sample(*recipe.sampler, denoiser, recipe.steps, noise::Seed::from_bytes(seed), side,
                  picture, stop));
  return picture;
}

Result<void> make_images(const nn::UNet& network, const ImageRecipe& recipe,
                         std::span<const receipt::WantedImage> wanted, int threads,
                         const ImageSink& sink, const std::stop_token& stop) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;  // guards error and the sink
  std::optional<Error> error;
  std::stop_source failed;
  const auto work = [&] {
    nn::set_threads(1);
    for (std::size_t i = next++; i < wanted.size(); i = next++) {
      if (stop.stop_requested() || failed.stop_requested()) return;
      auto made = make_one(network, recipe, wanted[i], stop);
      const std::lock_guard lock(mutex);
      if (error) return;
      Result<void> taken = made ? sink(std::move(*made)) : fail(std::move(made));
      if (taken) continue;
      error = std::move(taken).error();
      failed.request_stop();
      return;
    }
  };
  {
    const auto workers = std::clamp<std::size_t>(static_cast<std::size_t>(std::max(threads, 1)), 1,
                                                 std::max<std::size_t>(wanted.size(), 1));
    std::vector<std::jthread> pool;
    for (std::size_t i = 0; i < workers; ++i) pool.emplace_back(work);
  }
  if (error) return std::unexpected(std::move(*error));
  if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "making images was stopped");
  return {};
}

}  // namespace calx::diffusion
