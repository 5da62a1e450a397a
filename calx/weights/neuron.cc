#include "calx/weights/neuron.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "calx/hash/big_endian.h"
#include "calx/weights/neuron_bases.h"
#include "calx/weights/scale.h"

namespace calx::weights {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kV = 8, kBias = 16, kVersionAt = 20, kWeightScale = 21, kBiasScale = 22,
                      kExponent = 23, kBasesAt = 24;

std::uint8_t nibbles(std::int8_t low, std::int8_t high) noexcept {
  return static_cast<std::uint8_t>((static_cast<unsigned>(low) & 15u) |
                                   (static_cast<unsigned>(high) & 15u) << 4);
}

std::int8_t from_nibble(unsigned bits) noexcept {
  return static_cast<std::int8_t>(static_cast<int>(bits & 15u) - (bits & 8u ? 16 : 0));
}

Result<void> check(const Neuron& neuron) {
  for (const auto& factor : {neuron.u, neuron.v}) {
    for (const std::int8_t entry : factor) {
      if (entry < -8 || entry > 7) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("neuron: an entry is {}, wanted -8 to 7", int{entry}));
      }
    }
  }
  if (neuron.exponent < -kExponentMax || neuron.exponent > kExponentMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("neuron: exponent {}, wanted {} to {}", int{neuron.exponent},
                            -kExponentMax, kExponentMax));
  }
  return {};
}

}  // namespace

Result<Word> pack(const Neuron& neuron) {
  CALX_TRY(check(neuron));
  std::array<std::uint8_t, kDataBytes> data{};
  for (std::size_t i = 0; i < 8; ++i) {
    data[i] = nibbles(neuron.u[2 * i], neuron.u[2 * i + 1]);
    data[kV + i] = nibbles(neuron.v[2 * i], neuron.v[2 * i + 1]);
  }
  for (std::size_t i = 0; i < 4; ++i) {
    data[kBias + i] = static_cast<std::uint8_t>(neuron.bias[i]);
  }
  data[kVersionAt] = kVersion;
  data[kWeightScale] = neuron.weight_scale;
  data[kBiasScale] = neuron.bias_scale;
  data[kExponent] = static_cast<std::uint8_t>(neuron.exponent);
  hash::store_be32(data.data() + kBasesAt, neuron.bases);
  return add_checks(data);
}

Result<Unpacked> unpack(const Word& word) {
  const auto mended = mend(word);
  if (!mended) {
    return fail(ErrorCode::kDataLoss, "neuron: more than one of its 32 bytes is wrong");
  }
  const Word& data = mended->word;
  if (data[kVersionAt] != kVersion) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("neuron: version {}, wanted {}", data[kVersionAt], kVersion));
  }
  Unpacked result{{}, mended->place.has_value()};
  Neuron& neuron = result.neuron;
  for (std::size_t i = 0; i < 16; ++i) {
    neuron.u[i] = from_nibble(static_cast<unsigned>(data[i / 2]) >> (i % 2 * 4));
    neuron.v[i] = from_nibble(static_cast<unsigned>(data[kV + i / 2]) >> (i % 2 * 4));
  }
  for (std::size_t i = 0; i < 4; ++i) neuron.bias[i] = static_cast<std::int8_t>(data[kBias + i]);
  neuron.weight_scale = data[kWeightScale];
  neuron.bias_scale = data[kBiasScale];
  neuron.exponent = static_cast<std::int8_t>(data[kExponent]);
  neuron.bases = hash::load_be32(data.data() + kBasesAt);
  CALX_TRY(check(neuron));
  return result;
}

Result<Layer> expand(const Neuron& neuron, std::size_t out, std::size_t in) {
  CALX_TRY(check(neuron));
  CALX_TRY(check_sides(out, in));
  try {
    CALX_ASSIGN(a, make_basis("neuron/out", neuron.bases, out));
    CALX_ASSIGN(b, make_basis("neuron/in", neuron.bases, in));
    Layer layer{out, in, std::vector<float>(out * in), std::vector<float>(out)};
    const Core core = product(neuron.u, neuron.v);
    const float scale = scale_value(neuron.weight_scale, neuron.exponent);
    const float bias_scale = scale_value(neuron.bias_scale, neuron.exponent);
    for (std::size_t o = 0; o < out; ++o) {
      std::array<int, kNeuronRank> row{};
      int bias = 0;
      for (std::size_t r = 0; r < kNeuronRank; ++r) {
        for (std::size_t c = 0; c < kNeuronRank; ++c) row[c] += a[o][r] * core[r * 4 + c];
        bias += a[o][r] * neuron.bias[r];
      }
      for (std::size_t i = 0; i < in; ++i) {
        int sum = 0;
        for (std::size_t c = 0; c < kNeuronRank; ++c) sum += row[c] * b[i][c];
        layer.weights[o * in + i] = static_cast<float>(sum) * scale;
      }
      layer.bias[o] = static_cast<float>(bias) * bias_scale;
    }
    return layer;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted, "neuron: the layer does not fit in memory");
  }
}

double relative_error(const Layer& a, const Layer& b) noexcept {
  double errors = 0, squares = 0;
  for (std::size_t i = 0; i < a.weights.size(); ++i) {
    const double x = a.weights[i], e = x - static_cast<double>(b.weights[i]);
    errors += e * e;
    squares += x * x;
  }
  return errors / squares;
}

}  // namespace calx::weights
