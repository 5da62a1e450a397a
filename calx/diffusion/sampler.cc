#include "calx/diffusion/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "calx/noise/stream.h"

namespace calx::diffusion {
namespace {

constexpr double kRatioLast = 0.02;
constexpr double kRho = 7.0;

std::vector<double> even_times(int steps) {
  std::vector<double> times;
  for (int i = 0; i <= steps; ++i) times.push_back(kTimeFirst * (steps - i) / steps);
  return times;
}

std::vector<double> karras_times(int steps) {
  std::vector<double> times;
  const double first = std::pow(noise_level(kTimeFirst).ratio(), 1 / kRho);
  const double last = std::pow(kRatioLast, 1 / kRho);
  for (int i = 0; i < steps; ++i) {
    const double part = steps > 1 ? static_cast<double>(i) / (steps - 1) : 0.0;
    times.push_back(time_of(std::pow(first + part * (last - first), kRho)));
  }
  times.push_back(0.0);
  return times;
}

StepWeights first_order(const NoiseLevel*, NoiseLevel from, NoiseLevel to) noexcept {
  const double shrink = to.ratio() / from.ratio();
  return {.keep = to.sigma / from.sigma, .denoised = to.alpha * (1 - shrink)};
}

StepWeights ancestral(const NoiseLevel*, NoiseLevel from, NoiseLevel to) noexcept {
  const double s = from.ratio(), next = to.ratio();
  const double up = std::min(next, next / s * std::sqrt(std::max(0.0, s * s - next * next)));
  const double down = std::sqrt(std::max(0.0, next * next - up * up));
  return {.keep = down / s * (to.alpha / from.alpha),
          .denoised = to.alpha * (1 - down / s),
          .noise = to.alpha * up};
}

StepWeights multistep(const NoiseLevel* before, NoiseLevel from, NoiseLevel to) noexcept {
  StepWeights weights = first_order(before, from, to);
  if (before == nullptr || to.sigma == 0) return weights;  // first order at both ends
  const double h = std::log(from.ratio() / to.ratio());
  const double h_before = std::log(before->ratio() / from.ratio());
  const double lean = h / (2 * h_before);
  weights.previous = -weights.denoised * lean;
  weights.denoised *= 1 + lean;
  return weights;
}

constexpr std::array<Sampler, 4> kSamplers = {{
    {"ddim", "DDIM", even_times, first_order},
    {"euler", "Euler", karras_times, first_order},
    {"euler-ancestral", "Euler a", karras_times, ancestral},
    {"dpmpp-2m", "DPM++ 2M", even_times, multistep},
}};

}  // namespace

std::span<const Sampler> samplers() noexcept { return kSamplers; }

Result<const Sampler*> find_sampler(std::string_view name) {
  const auto found = std::ranges::find(kSamplers, name, &Sampler::name);
  if (found != kSamplers.end()) return &*found;
  std::string names;
  for (const auto& row : kSamplers)
    names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("sampler {}: wanted one of {}", name, names));
}

Result<void> draw_noise(const noise::Seed& seed, std::string_view name, int side,
                        std::span<float> out) {
  CALX_ASSIGN(stream, noise::Stream::open(seed, name, 0));
  noise::Region region;
  region.rows = region.columns = static_cast<std::uint32_t>(side);
  return stream.normal(region, out);
}

Result<void> sample(const Sampler& sampler, const Denoiser& denoiser, int steps,
                    const noise::Seed& seed, int side, std::span<float> image,
                    const std::stop_token& stop) {
  CALX_TRY(draw_noise(seed, "init", side, image));
  return sample_from(sampler, denoiser, steps, seed, side, image, stop);
}

Result<void> sample_from(const Sampler& sampler, const Denoiser& denoiser, int steps,
                         const noise::Seed& seed, int side, std::span<float> image,
                         const std::stop_token& stop) {
  if (steps < 1 || steps > kSamplerStepsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("steps {}: wanted 1 to {}", steps, kSamplerStepsMax));
  }
  const auto times = sampler.times(steps);
  std::vector<float> now(image.size()), before(image.size()), fresh(image.size());
  for (int k = 0; k < steps; ++k) {
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "sampling was stopped");
    const auto i = static_cast<std::size_t>(k);
    const NoiseLevel from = noise_level(times[i]), to = noise_level(times[i + 1]);
    const NoiseLevel last = k > 0 ? noise_level(times[i - 1]) : NoiseLevel{};
    const StepWeights weights = sampler.rule(k > 0 ? &last : nullptr, from, to);
    CALX_TRY(denoiser.denoise(image, times[i], now));
    const bool noisy = weights.noise != 0;
    if (noisy) CALX_TRY(draw_noise(seed, fmt::format("step/{}", k), side, fresh));
    const auto keep = static_cast<float>(weights.keep);
    const auto denoised = static_cast<float>(weights.denoised);
    const auto previous = static_cast<float>(weights.previous);
    const auto added = static_cast<float>(weights.noise);
    for (std::size_t p = 0; p < image.size(); ++p) {
      float value = keep * image[p] + denoised * now[p];
      if (previous != 0) value += previous * before[p];
      if (noisy) value += added * fresh[p];
      image[p] = value;
    }
    std::swap(now, before);
  }
  return {};
}

}  // namespace calx::diffusion
