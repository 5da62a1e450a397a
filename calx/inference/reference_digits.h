// The digits that stages B and C are defined on: stroke skeletons under random laws, drawn at
// 32 x 32 without a download. Another task than diffusion::draw_digits, whose laws models depend
// on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/diffusion/digit_set.h"
#include "calx/noise/seed.h"

namespace calx::inference {

struct Point {
  double x = 0, y = 0;  // y down
};
using Stroke = std::vector<Point>;  // joined by straight segments; strokes are not joined
using Glyph = std::vector<Stroke>;

/// The skeleton of a digit in [-1, 1]^2. Source: reference of issue 4, 5.1. \pre 0 <= digit <= 9
Glyph reference_glyph(int digit);

/// How one picture's skeleton lies on its canvas.
struct DigitPose {
  double rotation = 0;  // radians
  double shear = 0;
  double scale_x = 1, scale_y = 1;
  double half_width = 1;  // of the pen, in pixels
  Point centre = {.x = 16, .y = 16};
};

/// q = 11.52 A (p + jitter) + centre, A = rotation * shear * scale; 11.52 = 0.36 * 32 pixels.
/// `jitter` holds one value a point, stroke by stroke. \pre jitter.size() == points of the glyph
Glyph placed(Glyph glyph, const DigitPose& pose, std::span<const Point> jitter);

/// value = 2 clip(half_width + 0.5 - distance, 0, 1) - 1, the distance from the pixel's centre to
/// the nearest segment. Shape [32, 32], row-major. \pre pixels.size() == 1024
void render(const Glyph& on_canvas, double half_width, std::span<float> pixels);

/// Pictures first .. first + count - 1 of the seed, each from (seed, index) alone through stream
/// "digits/reference": label uniform on 0..9; rotation and shear N(0, 0.15); scales U(0.75, 1.1)
/// and U(0.8, 1.1); half width U(0.9, 1.9); centre (16, 16) + N(0, 1.2); jitter N(0, 0.03).
/// The digest is that of the f32 values, then the labels as bytes. sin and cos are the C library's,
/// so the last bit of a value may differ between machines.
/// Errors: kInvalidArgument unless 1 <= count <= kDigitsMax.
/// The laws are the reference's, the draws are not: figures are comparable, not equal.
Result<diffusion::DigitSet> draw_reference_digits(const noise::Seed& seed, std::uint64_t first,
                                                  std::size_t count);

}  // namespace calx::inference
