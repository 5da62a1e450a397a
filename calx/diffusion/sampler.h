// From noise to a picture: the samplers, each a row of one table.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/schedule.h"
#include "calx/noise/seed.h"

namespace calx::diffusion {

inline constexpr int kSamplerStepsMax = 1000;
/// Sampling starts just short of t = 1, where the picture's share would be nil (sigma/alpha = 127).
inline constexpr double kTimeFirst = 0.995;

/// Estimates the clean picture in a noisy one.
class Denoiser {
 public:
  Denoiser() = default;
  Denoiser(const Denoiser&) = delete;
  Denoiser& operator=(const Denoiser&) = delete;
  virtual ~Denoiser() = default;

  /// picture = E[x_0 | x_t = noisy], both of the same size; t in (0, 1).
  virtual Result<void> denoise(std::span<const float> noisy, double t,
                               std::span<float> picture) const = 0;
};

/// One step is x' = keep x + denoised D + previous D_before + noise z, with D the denoised picture
/// at this step, D_before at the step before, and z fresh N(0, 1).
struct StepWeights {
  double keep = 0.0;
  double denoised = 1.0;
  double previous = 0.0;
  double noise = 0.0;
};

/// `from` and `to` are the levels of this step; `before` that of the step before, or null.
/// `to` may be the picture itself (sigma 0).
using StepRule = StepWeights (*)(const NoiseLevel* before, NoiseLevel from, NoiseLevel to) noexcept;
/// The times of n steps, n + 1 numbers falling from kTimeFirst to 0.
using Spacing = std::vector<double> (*)(int steps);

struct Sampler {
  std::string_view name;
  std::string_view label;  // as other programs write it into `parameters`
  Spacing times;
  StepRule rule;
};

/// ddim             deterministic DDIM (Song, Meng, Ermon 2021), times evenly spaced
/// euler            the same step read as Euler's on the probability-flow equation in sigma /
/// alpha,
///                  times after Karras et al. 2022, eq. 5 (rho 7, ratios 127 to 0.02)
/// euler-ancestral  Euler down to a lower level, then fresh noise back up; times as euler
/// dpmpp-2m         DPM-Solver++(2M) (Lu et al. 2022, algorithm 2), times evenly spaced
std::span<const Sampler> samplers() noexcept;

/// Errors: kInvalidArgument lists the names there are.
Result<const Sampler*> find_sampler(std::string_view name);

/// The noise of one image: N(0, 1) of [1, side, side] from stream `name`, index 0, of its seed.
Result<void> draw_noise(const noise::Seed& seed, std::string_view name, int side,
                        std::span<float> out);

/// Fills `image`, [side, side], with a picture in about [-1, 1]. The initial latent comes from
/// stream "init" of `seed`; step k, counted from 0, draws from "step/k", if its rule asks for
/// noise. The sum is taken in plain float, left to right, so the result depends on nothing else.
/// Errors: kInvalidArgument (steps outside 1..kSamplerStepsMax, sizes); kCancelled on a stop
/// between steps; those of the denoiser.
Result<void> sample(const Sampler& sampler, const Denoiser& denoiser, int steps,
                    const noise::Seed& seed, int side, std::span<float> image,
                    const std::stop_token& stop = {});

/// sample() without the first draw: `image` comes in as the initial latent, N(0, 1) of any source.
Result<void> sample_from(const Sampler& sampler, const Denoiser& denoiser, int steps,
                         const noise::Seed& seed, int side, std::span<float> image,
                         const std::stop_token& stop = {});

}  // namespace calx::diffusion
