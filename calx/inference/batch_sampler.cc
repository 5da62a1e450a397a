#include "calx/inference/batch_sampler.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/diffusion/sampler.h"
#include "calx/diffusion/schedule.h"

namespace calx::inference {
namespace {

class BatchDenoiser final : public diffusion::Denoiser {
 public:
  BatchDenoiser(const nn::UNet& network, const BatchRecipe& recipe,
                std::span<const hash::Digest> seeds, std::span<const std::int32_t> classes,
                std::vector<double> times)
      : network_(network),
        recipe_(recipe),
        seeds_(seeds),
        classes_(classes.begin(), classes.end()),
        times_(std::move(times)) {
    if (recipe.guidance != 1.0F) classes_.resize(2 * seeds.size(), network.config().classes);
  }

  Result<void> denoise(std::span<const float> noisy, double t,
                       std::span<float> pictures) const override {
    const bool guided = recipe_.guidance != 1.0F;
    std::vector<float> input(noisy.begin(), noisy.end());
    if (guided) input.insert(input.end(), noisy.begin(), noisy.end());
    const std::vector<float> times(classes_.size(), static_cast<float>(t));
    std::vector<float> velocities(input.size());
    CALX_TRY(pass(input, times, t, velocities));
    const diffusion::NoiseLevel level = diffusion::noise_level(t);
    const auto alpha = static_cast<float>(level.alpha), sigma = static_cast<float>(level.sigma);
    const std::size_t none = guided ? noisy.size() : 0;  // where the rows without a class begin
    for (std::size_t p = 0; p < noisy.size(); ++p) {
      float v = velocities[p];
      if (guided) v = velocities[none + p] + recipe_.guidance * (v - velocities[none + p]);
      pictures[p] = std::clamp(diffusion::picture(alpha, sigma, noisy[p], v), -1.0F, 1.0F);
    }
    return {};
  }

 private:
  Result<void> pass(std::span<const float> input, std::span<const float> times, double t,
                    std::span<float> velocities) const {
    if (recipe_.machines == nullptr) return network_.forward(input, times, classes_, velocities);
    const auto step = static_cast<std::size_t>(std::ranges::find(times_, t) - times_.begin());
    SubstrateBlock block(*recipe_.machines, {step, recipe_.readout, classes_, seeds_});
    return network_.forward(input, times, classes_, velocities, block);
  }

  const nn::UNet& network_;
  const BatchRecipe& recipe_;
  std::span<const hash::Digest> seeds_;
  std::vector<std::int32_t> classes_;
  std::vector<double> times_;
};

Result<void> check(const BatchRecipe& recipe, std::size_t seeds,
                   std::span<const std::int32_t> classes, std::int32_t classes_known) {
  if (seeds == 0 || seeds > kBatchPicturesMax || classes.size() != seeds) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("batch of {} seeds and {} classes: wanted 1 to {} of each", seeds,
                            classes.size(), kBatchPicturesMax));
  }
  const auto bad = std::ranges::find_if(
      classes, [&](std::int32_t label) { return label < 0 || label >= classes_known; });
  if (bad != classes.end()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("class {}: wanted 0 to {}", *bad, classes_known - 1));
  }
  if (recipe.steps < 1 || recipe.steps > diffusion::kSamplerStepsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("steps {}: wanted 1 to {}", recipe.steps, diffusion::kSamplerStepsMax));
  }
  return {};
}

// Pictures of a batch share their steps; a sampler that draws would draw the same for all.
Result<void> check_drawless(const diffusion::Sampler& sampler, const std::vector<double>& times) {
  const auto first = diffusion::noise_level(times[0]), next = diffusion::noise_level(times[1]);
  if (sampler.rule(nullptr, first, next).noise == 0) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("sampler {} draws noise at every step: wanted ddim, euler or dpmpp-2m",
                          sampler.name));
}

}  // namespace

Result<std::vector<float>> sample_batch(const nn::UNet& network, const BatchRecipe& recipe,
                                        std::span<const hash::Digest> seeds,
                                        std::span<const std::int32_t> classes,
                                        const std::stop_token& stop) {
  CALX_TRY(check(recipe, seeds.size(), classes, network.config().classes));
  CALX_ASSIGN(sampler, diffusion::find_sampler(recipe.sampler));
  auto times = sampler->times(recipe.steps);
  CALX_TRY(check_drawless(*sampler, times));
  times.pop_back();
  if (recipe.machines != nullptr && recipe.machines->fits().times != times) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("substrates fitted at {} times: wanted those of {} steps of {}",
                            recipe.machines->fits().times.size(), recipe.steps, sampler->name));
  }
  const int side = network.config().side;
  const std::size_t area = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  std::vector<float> pictures(seeds.size() * area);
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    CALX_TRY(diffusion::draw_noise(noise::Seed::from_bytes(seeds[i]), "init", side,
                                   std::span(pictures).subspan(i * area, area)));
  }
  const BatchDenoiser denoiser(network, recipe, seeds, classes, std::move(times));
  CALX_TRY(diffusion::sample_from(*sampler, denoiser, recipe.steps, noise::Seed(), side, pictures,
                                  stop));
  return pictures;
}

}  // namespace calx::inference
