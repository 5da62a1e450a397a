// Digits drawn by the program itself: training data where no MNIST is at hand.
#pragma once

#include <cstdint>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/noise/seed.h"

namespace calx::diffusion {

/// `count` pictures, classes in turn. Each is the stroke skeleton of its digit under a random
/// affine map (rotation to +-0.22 rad, shear to +-0.25, scale 0.8 to 1.1, shift to +-1.5 pixels)
/// with jittered corners and a stroke 2 to 3.4 pixels wide. Picture i depends on (seed, i) alone,
/// through stream "digits/procedural".
/// Errors: kInvalidArgument unless 1 <= count <= kDigitsMax.
/// They are not handwriting: figures measured on them say nothing about MNIST.
Result<DigitSet> draw_digits(const noise::Seed& seed, std::size_t count);

}  // namespace calx::diffusion
