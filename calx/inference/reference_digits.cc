#include "calx/inference/reference_digits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <new>
#include <numbers>

#include "calx/base/assert.h"
#include "calx/base/hex.h"
#include "calx/hash/sha256.h"
#include "calx/noise/stream.h"

namespace calx::inference {
namespace {

constexpr std::size_t kSide = diffusion::kDigitSide;
constexpr std::size_t kPixels = kSide * kSide;
constexpr double kUnitPixels = 0.36 * kSide;
constexpr double kFlatSegment = 1e-9;  // keeps a segment of no length from a division by 0
constexpr std::uint32_t kEvenDraws = 8, kNormalDraws = 64;  // set aside for one picture

// An arc of `points` points at even angles, in degrees, both ends included.
struct Arc {
  Point centre;
  double radius_x, radius_y, from, to;
  int points;
};

Stroke operator+(Stroke stroke, const Arc& arc) {
  for (int i = 0; i < arc.points; ++i) {
    const double degrees = arc.from + (arc.to - arc.from) * i / (arc.points - 1);
    const double angle = degrees * std::numbers::pi / 180;
    stroke.push_back({arc.centre.x + arc.radius_x * std::cos(angle),
                      arc.centre.y + arc.radius_y * std::sin(angle)});
  }
  return stroke;
}

Stroke operator+(Stroke stroke, const Stroke& more) {
  stroke.insert(stroke.end(), more.begin(), more.end());
  return stroke;
}

struct Bounds {
  double low, high;
  [[nodiscard]] double at(float even) const noexcept {  // even on [-1, 1]
    return low + (high - low) * (double{even} + 1) / 2;
  }
};

struct Drawn {
  int label = 0;
  DigitPose pose;
  std::vector<Point> jitter;
};

Result<Drawn> draw(const noise::Seed& seed, std::uint64_t index) {
  constexpr double kTilt = 0.15, kShift = 1.2, kJitter = 0.03;
  CALX_ASSIGN(stream, noise::Stream::open(seed, "digits/reference", index));
  std::array<std::uint32_t, kEvenDraws> words{};
  std::array<float, kEvenDraws> even{};
  std::array<float, kNormalDraws> normal{};
  CALX_TRY(stream.bits({.plane = 0, .columns = kEvenDraws}, words));
  CALX_TRY(stream.uniform({.plane = 0, .columns = kEvenDraws}, even));
  CALX_TRY(stream.normal({.plane = 1, .columns = kNormalDraws}, normal));
  Drawn drawn;
  drawn.label = static_cast<int>(std::uint64_t{words[0]} * diffusion::kDigitClasses >> 32);
  drawn.pose = {.rotation = kTilt * double{normal[0]},
                .shear = kTilt * double{normal[1]},
                .scale_x = Bounds{0.75, 1.1}.at(even[1]),
                .scale_y = Bounds{0.8, 1.1}.at(even[2]),
                .half_width = Bounds{0.9, 1.9}.at(even[3]),
                .centre = {16 + kShift * double{normal[2]}, 16 + kShift * double{normal[3]}}};
  for (std::size_t i = 4; i + 1 < normal.size(); i += 2) {
    drawn.jitter.push_back({kJitter * double{normal[i]}, kJitter * double{normal[i + 1]}});
  }
  return drawn;
}

std::size_t points_of(const Glyph& glyph) {
  std::size_t count = 0;
  for (const Stroke& stroke : glyph) count += stroke.size();
  return count;
}

double squared_distance(Point g, Point a, Point b) noexcept {
  const double vx = b.x - a.x, vy = b.y - a.y;
  const double along = ((g.x - a.x) * vx + (g.y - a.y) * vy) / (vx * vx + vy * vy + kFlatSegment);
  const double t = std::clamp(along, 0.0, 1.0);
  const double dx = g.x - a.x - t * vx, dy = g.y - a.y - t * vy;
  return dx * dx + dy * dy;
}

std::string digest_of(const diffusion::DigitSet& set) {
  hash::Sha256 hasher;
  std::array<std::uint8_t, 4> bytes{};
  for (const float value : set.pictures) {
    const auto word = std::bit_cast<std::uint32_t>(value);
    for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(word >> (8 * i));
    hasher.update(bytes);
  }
  for (const std::int32_t label : set.labels) {
    bytes[0] = static_cast<std::uint8_t>(label);
    hasher.update(std::span(bytes).first(1));
  }
  return to_hex(hasher.finish());
}

}  // namespace

Glyph reference_glyph(int digit) {
  switch (digit) {
    case 0:
      return {Stroke{} + Arc{{0, 0}, 0.5, 0.8, 0, 360, 18}};
    case 1:
      return {{{-0.3, -0.4}, {0.1, -0.8}, {0.1, 0.8}}};
    case 2:
      return {Stroke{} + Arc{{0, -0.4}, 0.45, 0.4, 180, 380, 10} +
              Stroke{{-0.45, 0.8}, {0.5, 0.8}}};
    case 3:
      return {Stroke{} + Arc{{0, -0.4}, 0.42, 0.4, 200, 450, 10},
              Stroke{} + Arc{{0, 0.4}, 0.47, 0.42, -90, 160, 10}};
    case 4:
      return {{{0.25, 0.8}, {0.25, -0.8}, {-0.5, 0.3}, {0.55, 0.3}}};
    case 5:
      return {Stroke{{0.45, -0.8}, {-0.35, -0.8}, {-0.4, -0.1}} +
              Arc{{0, 0.32}, 0.46, 0.46, 220, 500, 12}};
    case 6:
      return {Stroke{} + Arc{{0.25, -0.1}, 0.65, 0.75, 260, 180, 6} +
              Arc{{0, 0.35}, 0.42, 0.43, 180, 540, 14}};
    case 7:
      return {{{-0.5, -0.8}, {0.5, -0.8}, {-0.1, 0.8}}};
    case 8:
      return {Stroke{} + Arc{{0, -0.4}, 0.36, 0.38, 0, 360, 14},
              Stroke{} + Arc{{0, 0.4}, 0.45, 0.42, 0, 360, 14}};
    default:
      CALX_ASSERT(digit == 9);
      return {Stroke{} + Arc{{0, -0.35}, 0.42, 0.43, 0, 360, 14} + Stroke{{0.4, -0.3}, {0.3, 0.8}}};
  }
}

Glyph placed(Glyph glyph, const DigitPose& pose, std::span<const Point> jitter) {
  CALX_ASSERT(jitter.size() == points_of(glyph));
  const double cosine = std::cos(pose.rotation), sine = std::sin(pose.rotation);
  std::size_t next = 0;
  for (Stroke& stroke : glyph) {
    for (Point& point : stroke) {
      const Point& shake = jitter[next++];
      const double y = pose.scale_y * (point.y + shake.y);
      const double x = pose.scale_x * (point.x + shake.x) + pose.shear * y;
      point = {kUnitPixels * (cosine * x - sine * y) + pose.centre.x,
               kUnitPixels * (sine * x + cosine * y) + pose.centre.y};
    }
  }
  return glyph;
}

void render(const Glyph& on_canvas, double half_width, std::span<float> pixels) {
  CALX_ASSERT(pixels.size() == kPixels);
  for (std::size_t p = 0; p < kPixels; ++p) {
    const Point centre{static_cast<double>(p % kSide) + 0.5, static_cast<double>(p / kSide) + 0.5};
    double nearest = 1e9;
    for (const Stroke& stroke : on_canvas) {
      for (std::size_t i = 1; i < stroke.size(); ++i) {
        nearest = std::min(nearest, squared_distance(centre, stroke[i - 1], stroke[i]));
      }
    }
    const double ink = std::clamp(half_width + 0.5 - std::sqrt(nearest), 0.0, 1.0);
    pixels[p] = static_cast<float>(2 * ink - 1);
  }
}

Result<diffusion::DigitSet> draw_reference_digits(const noise::Seed& seed, std::uint64_t first,
                                                  std::size_t count) try {
  if (count < 1 || count > diffusion::kDigitsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("reference digits {}: wanted 1 to {}", count, diffusion::kDigitsMax));
  }
  diffusion::DigitSet set;
  set.source = "reference digits (drawn by calx, not handwriting)";
  set.pictures.resize(count * kPixels);
  set.labels.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    CALX_ASSIGN(drawn, draw(seed, first + i));
    Glyph glyph = reference_glyph(drawn.label);
    const std::size_t points = points_of(glyph);
    CALX_ASSERT(points <= drawn.jitter.size());
    render(placed(std::move(glyph), drawn.pose, std::span(drawn.jitter).first(points)),
           drawn.pose.half_width, std::span(set.pictures).subspan(i * kPixels, kPixels));
    set.labels[i] = drawn.label;
  }
  set.digest = digest_of(set);
  return set;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("reference digits: no memory for {} pictures", count));
}

}  // namespace calx::inference
