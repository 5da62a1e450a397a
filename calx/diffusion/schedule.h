// The cosine schedule: how much picture and how much noise an image holds at time t.
#pragma once

namespace calx::diffusion {

/// x_t = alpha x_0 + sigma eps with alpha^2 + sigma^2 = 1.
struct NoiseLevel {
  double alpha = 1.0;
  double sigma = 0.0;

  /// Noise in units of the picture, sigma / alpha.
  [[nodiscard]] double ratio() const noexcept { return sigma / alpha; }
};

/// alpha = cos(pi t / 2), sigma = sin(pi t / 2), t in [0, 1]: 0 is the picture, 1 is noise.
/// Source: Nichol and Dhariwal 2021, without their offset; Salimans and Ho 2022, section 4.
NoiseLevel noise_level(double t) noexcept;

/// The time at which sigma / alpha is `ratio`: t = 2 atan(ratio) / pi.
double time_of(double ratio) noexcept;

/// What the network predicts, v = alpha eps - sigma x_0, and back: x_0 = alpha x_t - sigma v.
constexpr float velocity(float alpha, float sigma, float noise, float picture) noexcept {
  return alpha * noise - sigma * picture;
}
constexpr float picture(float alpha, float sigma, float noisy, float velocity) noexcept {
  return alpha * noisy - sigma * velocity;
}

}  // namespace calx::diffusion
