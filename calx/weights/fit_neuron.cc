#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <optional>

#include "calx/weights/neuron.h"
#include "calx/weights/neuron_bases.h"
#include "calx/weights/scale.h"

namespace calx::weights {
namespace {

using Square = std::array<double, 16>;  // 4 x 4, row-major

struct Fit {
  Square target{};  // the core that would be best if it were free: (A'A)^-1 A'W B (B'B)^-1
  Square gram_a{}, gram_b{};
  double held = 0;  // squares of the layer along these directions
};

Square gram(const Basis& basis) {
  Square g{};
  for (const auto& row : basis) {
    for (std::size_t i = 0; i < 16; ++i) g[i] += row[i / 4] * row[i % 4];
  }
  return g;
}

Square times(const Square& a, const Square& b) {
  Square c{};
  for (std::size_t i = 0; i < 16; ++i) {
    for (std::size_t k = 0; k < 4; ++k) c[i] += a[i / 4 * 4 + k] * b[k * 4 + i % 4];
  }
  return c;
}

// By Gauss and Jordan; fewer than four rows leave zero rows and columns, which stay zero. Nothing
// if four directions are not independent.
std::optional<Square> inverse(Square a, std::size_t side) {
  Square b{};
  for (std::size_t i = 0; i < side; ++i) b[i * 5] = 1;
  for (std::size_t p = 0; p < side; ++p) {
    std::size_t pivot = p;
    for (std::size_t r = p + 1; r < side; ++r) {
      if (std::fabs(a[r * 4 + p]) > std::fabs(a[pivot * 4 + p])) pivot = r;
    }
    if (std::fabs(a[pivot * 4 + p]) < 1e-9) return {};
    for (std::size_t c = 0; c < 4; ++c) {
      std::swap(a[p * 4 + c], a[pivot * 4 + c]);
      std::swap(b[p * 4 + c], b[pivot * 4 + c]);
    }
    const double lead = a[p * 5];
    for (std::size_t c = 0; c < 4; ++c) {
      a[p * 4 + c] /= lead;
      b[p * 4 + c] /= lead;
    }
    for (std::size_t r = 0; r < side; ++r) {
      const double factor = r == p ? 0 : a[r * 4 + p];
      for (std::size_t c = 0; c < 4; ++c) {
        a[r * 4 + c] -= factor * a[p * 4 + c];
        b[r * 4 + c] -= factor * b[p * 4 + c];
      }
    }
  }
  return b;
}

std::optional<Fit> project(const Layer& layer, const Basis& a, const Basis& b) {
  Fit fit;
  Square moment{};  // A' W B
  for (std::size_t o = 0; o < layer.out; ++o) {
    std::array<double, 4> row{};
    for (std::size_t i = 0; i < layer.in; ++i) {
      const double w = layer.weights[o * layer.in + i];
      for (std::size_t c = 0; c < 4; ++c) row[c] += w * b[i][c];
    }
    for (std::size_t i = 0; i < 16; ++i) moment[i] += a[o][i / 4] * row[i % 4];
  }
  fit.gram_a = gram(a);
  fit.gram_b = gram(b);
  const auto left = inverse(fit.gram_a, std::min<std::size_t>(4, layer.out));
  const auto right = inverse(fit.gram_b, std::min<std::size_t>(4, layer.in));
  if (!left || !right) return {};
  fit.target = times(times(*left, moment), *right);
  for (std::size_t i = 0; i < 16; ++i) fit.held += fit.target[i] * moment[i];
  return fit;
}

// |A (scale U V - target) B|^2
double error_of(const Fit& fit, const Core& core, double scale) {
  Square off{};
  for (std::size_t i = 0; i < 16; ++i) off[i] = scale * core[i] - fit.target[i];
  const Square weighted = times(times(fit.gram_a, off), fit.gram_b);
  double sum = 0;
  for (std::size_t i = 0; i < 16; ++i) sum += off[i] * weighted[i];
  return sum;
}

struct Factors {
  std::array<std::int8_t, 16> u{}, v{};
  std::uint8_t scale = 0;
  double error = std::numeric_limits<double>::infinity();
};

// One entry after the other, then the scale, until nothing becomes better.
void descend(const Fit& fit, int exponent, Factors& f) {
  const auto trial = [&] {
    return error_of(fit, product(f.u, f.v), static_cast<double>(scale_value(f.scale, exponent)));
  };
  f.error = trial();
  for (bool better = true; better;) {
    better = false;
    for (std::size_t i = 0; i < 32; ++i) {
      std::int8_t& entry = i < 16 ? f.u[i] : f.v[i - 16];
      std::int8_t best = entry;
      for (int value = -8; value < 8; ++value) {
        entry = static_cast<std::int8_t>(value);
        const double error = trial();
        if (error < f.error * (1 - 1e-12)) {
          f.error = error;
          best = entry;
          better = true;
        }
      }
      entry = best;
    }
    for (const int step : {-1, 1}) {
      const std::uint8_t before = f.scale;
      f.scale = static_cast<std::uint8_t>(std::clamp(before + step, 1, 255));
      const double error = trial();
      if (error < f.error * (1 - 1e-12)) {
        f.error = error;
        better = true;
      } else {
        f.scale = before;
      }
    }
  }
}

std::int8_t entry_of(double value) {
  return static_cast<std::int8_t>(std::clamp(std::lround(value), -8L, 7L));
}

Factors factorise(const Fit& fit, int exponent) {
  double largest = 0;
  for (const double entry : fit.target) largest = std::max(largest, std::fabs(entry));
  Factors best;
  if (largest == 0) return best;
  // V (or U) begins as a multiple of the identity, so that the other one is the core in fewer bits.
  for (const int diagonal : {1, 3, 5, 7}) {
    for (const bool left : {true, false}) {
      Factors f;
      const double scale = largest / (7.0 * diagonal);
      f.scale = std::max<std::uint8_t>(1, nearest_scale(static_cast<float>(scale), exponent));
      auto& whole = left ? f.u : f.v;
      auto& unit = left ? f.v : f.u;
      for (std::size_t i = 0; i < 16; ++i) {
        whole[i] = entry_of(fit.target[i] / (scale * diagonal));
        unit[i] = static_cast<std::int8_t>(i % 5 == 0 ? diagonal : 0);
      }
      descend(fit, exponent, f);
      if (f.error < best.error) best = f;
    }
  }
  return best;
}

Result<void> check_layer(const Layer& layer, std::uint32_t tries) {
  CALX_TRY(check_sides(layer.out, layer.in));
  if (layer.weights.size() != layer.out * layer.in || layer.bias.size() != layer.out) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("neuron: {} weights and {} biases, wanted {} and {}", layer.weights.size(),
                    layer.bias.size(), layer.out * layer.in, layer.out));
  }
  const auto wrong = [](float x) { return !(std::fabs(x) < 0x1p40f); };
  if (std::ranges::any_of(layer.weights, wrong) || std::ranges::any_of(layer.bias, wrong)) {
    return fail(ErrorCode::kInvalidArgument, "neuron: a number that is not finite or above 2^40");
  }
  if (tries == 0) return fail(ErrorCode::kInvalidArgument, "neuron: 0 tries, wanted some");
  return {};
}

// beta = (A'A)^-1 A' bias, and its scale.
void fit_bias(const Layer& layer, const Basis& a, Neuron& neuron) {
  const auto left = inverse(gram(a), std::min<std::size_t>(4, layer.out));
  if (!left) return;
  std::array<double, 4> moment{}, beta{};
  for (std::size_t o = 0; o < layer.out; ++o) {
    for (std::size_t r = 0; r < 4; ++r) moment[r] += a[o][r] * static_cast<double>(layer.bias[o]);
  }
  double largest = 0;
  for (std::size_t r = 0; r < 4; ++r) {
    for (std::size_t c = 0; c < 4; ++c) beta[r] += (*left)[r * 4 + c] * moment[c];
    largest = std::max(largest, std::fabs(beta[r]));
  }
  neuron.bias_scale = nearest_scale(static_cast<float>(largest / 124), neuron.exponent);
  if (neuron.bias_scale == 0) return;
  const auto scale = static_cast<double>(scale_value(neuron.bias_scale, neuron.exponent));
  for (std::size_t r = 0; r < 4; ++r) {
    neuron.bias[r] =
        static_cast<std::int8_t>(std::clamp(std::lround(beta[r] / scale), -128L, 127L));
  }
}

}  // namespace

Result<Neuron> fit_neuron(const Layer& layer, std::uint32_t tries) {
  CALX_TRY(check_layer(layer, tries));
  try {
    Neuron neuron;
    std::optional<Fit> best;
    const bool free = layer.out > kNeuronRank || layer.in > kNeuronRank;
    for (std::uint32_t number = 0; number < (free ? tries : 1); ++number) {
      CALX_ASSIGN(a, make_basis("neuron/out", number, layer.out));
      CALX_ASSIGN(b, make_basis("neuron/in", number, layer.in));
      const auto fit = project(layer, a, b);
      if (!fit || (best && fit->held <= best->held)) continue;
      best = fit;
      neuron.bases = number;
    }
    if (!best) return fail(ErrorCode::kInvalidArgument, "neuron: no basis of full rank in so few");
    float largest = 0;
    for (const double entry : best->target) {
      largest = std::max(largest, static_cast<float>(std::fabs(entry)));
    }
    for (const float bias : layer.bias) largest = std::max(largest, std::fabs(bias));
    neuron.exponent = static_cast<std::int8_t>(scale_exponent(largest / 7));
    const Factors factors = factorise(*best, neuron.exponent);
    neuron.u = factors.u;
    neuron.v = factors.v;
    neuron.weight_scale = factors.scale;
    CALX_ASSIGN(a, make_basis("neuron/out", neuron.bases, layer.out));
    fit_bias(layer, a, neuron);
    return neuron;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "neuron: the bases do not fit in memory");
  }
}

}  // namespace calx::weights
