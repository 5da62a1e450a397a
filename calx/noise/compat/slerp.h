// Spherical interpolation, as the user interfaces around diffusion models mix two noises.
#pragma once

#include <span>

#include "calx/base/result.h"

namespace calx::noise::compat {

/// Above this cosine the two are mixed on the straight line, as other programs do.
inline constexpr double kSlerpCosineMax = 0.9995;

/// out = sin((1 - t) a) / sin a * from + sin(t a) / sin a * to, a = the angle between the two as
/// vectors, in double precision by the C library. t = 0 and t = 1 copy.
/// It is not exact across machines and belongs to no standard of Calx: calx-noise-1 mixes by
/// noise::Variation. Errors: kInvalidArgument unless 0 <= t <= 1, the sizes agree and neither
/// vector is zero.
Result<void> slerp(double t, std::span<const float> from, std::span<const float> to,
                   std::span<float> out);

}  // namespace calx::noise::compat
