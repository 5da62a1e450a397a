#include "calx/diffusion/procedural_digits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>
#include <vector>

#include "calx/noise/stream.h"

namespace calx::diffusion {
namespace {

struct Point {
  double x = 0, y = 0;  // in [-1, 1], y down
};
using Stroke = std::vector<Point>;
using Glyph = std::vector<Stroke>;

constexpr std::size_t kInner = 28;
constexpr double kUnitPixels = 9.0;   // a glyph is two units high
constexpr std::uint32_t kDraws = 64;  // random numbers set aside for one picture

// An arc about (x, y) from `from` to `to` radians, clockwise on the screen.
Stroke arc(double x, double y, double radius_x, double radius_y, double from, double to) {
  constexpr int kPieces = 14;
  Stroke stroke;
  for (int i = 0; i <= kPieces; ++i) {
    const double angle = from + (to - from) * i / kPieces;
    stroke.push_back({x + radius_x * std::cos(angle), y + radius_y * std::sin(angle)});
  }
  return stroke;
}

Stroke joined(Stroke first, const Stroke& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Glyph skeleton(int digit) {
  constexpr double pi = std::numbers::pi;
  switch (digit) {
    case 0:
      return {arc(0, 0, 0.6, 1.0, 0, 2 * pi)};
    case 1:
      return {{{-0.25, -0.7}, {0.1, -1.0}, {0.1, 1.0}}};
    case 2:
      return {joined(arc(0, -0.5, 0.55, 0.5, -pi, 0.25 * pi), {{-0.6, 1.0}, {0.65, 1.0}})};
    case 3:
      return {joined(arc(0, -0.5, 0.5, 0.5, -0.85 * pi, 0.5 * pi),
                     arc(0, 0.5, 0.58, 0.5, -0.5 * pi, 0.85 * pi))};
    case 4:
      return {{{0.2, -1.0}, {-0.6, 0.3}, {0.65, 0.3}}, {{0.3, -0.4}, {0.3, 1.0}}};
    case 5:
      return {joined({{0.55, -1.0}, {-0.4, -1.0}, {-0.5, -0.1}},
                     arc(0, 0.35, 0.58, 0.62, -0.7 * pi, 0.8 * pi))};
    case 6:
      return {joined({{0.35, -1.0}, {-0.35, -0.2}}, arc(0, 0.45, 0.5, 0.55, -pi, pi))};
    case 7:
      return {{{-0.6, -1.0}, {0.6, -1.0}, {-0.1, 1.0}}};
    case 8:
      return {arc(0, -0.5, 0.45, 0.48, 0.5 * pi, 2.5 * pi),
              arc(0, 0.48, 0.56, 0.52, -0.5 * pi, 1.5 * pi)};
    default:
      return {joined(arc(0, -0.45, 0.5, 0.55, 0, 2 * pi), {{0.5, -0.3}, {0.3, 1.0}})};
  }
}

double distance(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double length2 = dx * dx + dy * dy;
  const double along =
      length2 > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0.0, 1.0) : 0.0;
  return std::hypot(p.x - a.x - along * dx, p.y - a.y - along * dy);
}

// `draw` holds numbers in [-1, 1].
Glyph warped(Glyph glyph, std::span<const float> draw) {
  const double angle = 0.22 * draw[0], shear = 0.25 * draw[1];
  const double scale_x = kUnitPixels * (0.95 + 0.15 * draw[2]);
  const double scale_y = kUnitPixels * (0.95 + 0.15 * draw[3]);
  const double shift_x = 13.5 + 1.5 * draw[4], shift_y = 13.5 + 1.5 * draw[5];
  // Smooth bending: every point moves by a slow wave, so that corners stay corners.
  const double bend_x = 0.10 * draw[6], bend_y = 0.10 * draw[7];
  const double phase = 3.0 * draw[8];
  for (Stroke& stroke : glyph) {
    for (Point& point : stroke) {
      const double bent_x = point.x + bend_x * std::sin(2.5 * point.y + phase);
      const double bent_y = point.y + bend_y * std::sin(2.5 * point.x + phase);
      const double x = (bent_x + shear * -bent_y) * scale_x, y = bent_y * scale_y;
      point = {x * std::cos(angle) - y * std::sin(angle) + shift_x,
               x * std::sin(angle) + y * std::cos(angle) + shift_y};
    }
  }
  return glyph;
}

void draw_glyph(const Glyph& glyph, double radius, std::span<std::uint8_t> pixels) {
  for (std::size_t p = 0; p < pixels.size(); ++p) {
    const Point at{static_cast<double>(p % kInner), static_cast<double>(p / kInner)};
    double nearest = 1e9;
    for (const Stroke& stroke : glyph) {
      for (std::size_t i = 1; i < stroke.size(); ++i) {
        nearest = std::min(nearest, distance(at, stroke[i - 1], stroke[i]));
      }
    }
    const double ink = std::clamp(radius + 0.5 - nearest, 0.0, 1.0);
    pixels[p] = static_cast<std::uint8_t>(std::lround(255 * ink));
  }
}

}  // namespace

Result<DigitSet> draw_digits(const noise::Seed& seed, std::size_t count) {
  if (count < 1 || count > kDigitsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("procedural digits {}: wanted 1 to {}", count, kDigitsMax));
  }
  std::vector<std::uint8_t> pixels(count * kInner * kInner), labels(count);
  for (std::size_t i = 0; i < count; ++i) {
    CALX_ASSIGN(stream, noise::Stream::open(seed, "digits/procedural", i));
    std::array<float, kDraws> draw{};
    noise::Region region;
    region.columns = kDraws;
    CALX_TRY(stream.uniform(region, draw));
    labels[i] = static_cast<std::uint8_t>(i % kDigitClasses);
    draw_glyph(warped(skeleton(labels[i]), draw), 1.35 + 0.35 * static_cast<double>(draw[9]),
               std::span(pixels).subspan(i * kInner * kInner, kInner * kInner));
  }
  return make_digit_set("procedural digits (drawn by calx, not handwriting)", pixels, labels);
}

}  // namespace calx::diffusion
