// The 32-byte neuron: a layer of any shape out of 256 bits, and how little that can hold.
//
// Layout (seed 002, phase 1, with check bytes in the place of its additive sum):
//   bytes  0.. 7   U, 4 x 4 entries of 4 bits, two's complement, row-major, low half first
//   bytes  8..15   V, likewise
//   bytes 16..19   four biases, 8 bits, two's complement
//   byte  20       1, the version        byte 21  scale of the weights (scale.h)
//   byte  22       scale of the biases   byte 23  exponent of both, two's complement
//   bytes 24..27   number of the bases, big-endian
//   bytes 28..31   check bytes of RS(32, 28) (reed_solomon.h)
//
//   weight[o][i] = scale_w (A U V B)[o][i]      bias[o] = scale_b (A beta)[o]
//
// A [out, 4] and B [4, in] are identities up to four rows or columns, and signs above: the lowest
// bit of calx-noise-1 with the text seed "calx-weights-1", streams "neuron/out" and "neuron/in",
// index = number of the bases, at row o or i and column 0 .. 3; 1 is +1, 0 is -1. Everything in the
// brackets is a whole number, so each weight is rounded once and is the same on every machine.
//
// 256 bits for out * in weights are R = 256 / (out in) bits a weight, and no code of any kind comes
// below a relative error of 2^-2R on independent normal weights. This one does not come near that
// except at 4 x 4: sixteen numbers describe sixteen directions of the matrix and no more.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/weights/reed_solomon.h"

namespace calx::weights {

inline constexpr std::size_t kNeuronRank = 4;
inline constexpr std::size_t kNeuronSideMax = 65'536;         // rows or columns
inline constexpr std::size_t kNeuronWeightsMax = 16'777'216;  // of one expansion

struct Neuron {
  std::array<std::int8_t, 16> u{}, v{};  // -8 .. 7
  std::array<std::int8_t, 4> bias{};
  std::uint8_t weight_scale = 0, bias_scale = 0;
  std::int8_t exponent = 0;  // -60 .. 60
  std::uint32_t bases = 0;

  friend bool operator==(const Neuron&, const Neuron&) = default;
};

/// Errors: kInvalidArgument (an entry or the exponent out of range).
Result<Word> pack(const Neuron& neuron);

struct Unpacked {
  Neuron neuron;
  bool mended = false;  // one byte was wrong and is right again
};
/// Errors: kDataLoss (two or more wrong bytes), kInvalidArgument (another version, an exponent out
/// of range).
Result<Unpacked> unpack(const Word& word);

struct Layer {
  std::size_t out = 0, in = 0;
  std::vector<float> weights;  // [out, in]
  std::vector<float> bias;     // [out]
};

/// Errors: kInvalidArgument (no rows or columns, over kNeuronSideMax), kResourceExhausted (over
/// kNeuronWeightsMax weights).
Result<Layer> expand(const Neuron& neuron, std::size_t out, std::size_t in);

/// The best neuron found among `tries` numbers of bases: those whose directions hold the most of
/// the layer, then U and V by coordinate descent from several starts. Not exact across machines;
/// what it finds is. Errors: as expand(); kInvalidArgument (sizes that disagree, a number that is
/// not finite, tries 0).
Result<Neuron> fit_neuron(const Layer& layer, std::uint32_t tries = 64);

/// sum (a - b)^2 / sum a^2 over the weights. \pre same shape, a is not zero
double relative_error(const Layer& a, const Layer& b) noexcept;

}  // namespace calx::weights
