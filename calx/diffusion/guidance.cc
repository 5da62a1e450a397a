#include "calx/diffusion/guidance.h"

#include <algorithm>
#include <array>

#include "calx/diffusion/schedule.h"

namespace calx::diffusion {

Result<void> GuidedDenoiser::denoise(std::span<const float> noisy, double t,
                                     std::span<float> picture_out) const {
  const std::size_t rows = guidance_ == 1.0F ? 1 : 2;
  const std::size_t pixels = noisy.size();
  std::vector<float> input(rows * pixels), velocities(rows * pixels);
  for (std::size_t row = 0; row < rows; ++row) {
    std::ranges::copy(noisy, input.begin() + static_cast<std::ptrdiff_t>(row * pixels));
  }
  const std::array<float, 2> times{static_cast<float>(t), static_cast<float>(t)};
  const std::array<std::int32_t, 2> classes{class_index_, network_.config().classes};
  CALX_TRY(network_.forward(input, std::span(times).first(rows), std::span(classes).first(rows),
                            velocities));
  const NoiseLevel level = noise_level(t);
  const auto alpha = static_cast<float>(level.alpha), sigma = static_cast<float>(level.sigma);
  for (std::size_t p = 0; p < pixels; ++p) {
    float v = velocities[p];
    if (rows == 2) v = velocities[pixels + p] + guidance_ * (v - velocities[pixels + p]);
    picture_out[p] = std::clamp(picture(alpha, sigma, noisy[p], v), -1.0F, 1.0F);
  }
  return {};
}

}  // namespace calx::diffusion
