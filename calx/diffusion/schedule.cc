#include "calx/diffusion/schedule.h"

#include <cmath>
#include <numbers>

namespace calx::diffusion {

NoiseLevel noise_level(double t) noexcept {
  const double angle = t * std::numbers::pi / 2;
  return {std::cos(angle), std::sin(angle)};
}

double time_of(double ratio) noexcept { return 2 * std::atan(ratio) / std::numbers::pi; }

}  // namespace calx::diffusion
