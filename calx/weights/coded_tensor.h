// A tensor as codes and scales: what a file holds of it, and how it is made and read back.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "calx/base/result.h"
#include "calx/weights/codebook.h"
#include "calx/weights/trellis.h"
#include "calx/weights/viterbi.h"

namespace calx::weights {

inline constexpr std::uint64_t kTensorWeightsMax = std::uint64_t{1} << 32;
inline constexpr std::size_t kGroupMin = 16;
inline constexpr std::size_t kGroupMax = 65'536;

/// How a tensor is coded.
struct Coding {
  Trellis trellis;
  CodebookKind codebook = CodebookKind::kC1;
  std::size_t group = 128;  // weights of the row-major tensor under one scale: a power of two

  friend bool operator==(const Coding&, const Coding&) = default;
};

/// Errors: kInvalidArgument (those of check(trellis); the group).
Result<void> check(const Coding& coding);

struct CodedTensor {
  std::vector<std::uint64_t> shape;
  Coding coding;
  int exponent = 0;                  // of the scales
  std::vector<std::uint8_t> codes;   // block after block, each of whole bytes
  std::vector<std::uint8_t> scales;  // [ceil(weights / group)]

  [[nodiscard]] std::uint64_t weights() const noexcept;
  /// 8 (codes + scales) / weights.
  [[nodiscard]] double bits_per_weight() const noexcept;

  friend bool operator==(const CodedTensor&, const CodedTensor&) = default;
};

/// Bytes of the codes of so many weights.
std::uint64_t code_bytes(const Trellis& trellis, std::uint64_t weights) noexcept;

/// Errors: kInvalidArgument (coding, shape, exponent), kDataLoss (codes or scales of another size
/// than these ask for; a bit set after the last step of a block), kResourceExhausted (over
/// kTensorWeightsMax weights). A tensor that passes can be decoded.
Result<void> check(const CodedTensor& tensor);

struct EncodeOptions {
  unsigned threads = 1;
  std::stop_token stop = {};
  /// Told now and then, from any one thread at a time: weights encoded, of how many.
  std::function<void(std::uint64_t done, std::uint64_t count)> progress = {};
  /// Blocks already encoded, from the first one on, by an earlier run with the same input.
  std::span<const std::uint8_t> codes_before = {};
  const ViterbiKernel* kernel = nullptr;  // null: the fastest
};

/// Codes `weights`, row-major, of this shape. Each group's scale is the byte nearest to
/// rms(group) shrink / deviation(codebook); then each block's path is the one of least squared
/// error (BlockEncoder). The same bytes on every machine and for any number of threads.
/// Errors: kInvalidArgument (coding; a shape of another size; no weights; a weight that is not
/// finite or not below 2^48), kCancelled (stopped), kResourceExhausted.
/// Cost: see viterbi.h; at 2 bits about 25 operations on 2^L states a weight.
Result<CodedTensor> encode_tensor(std::span<const float> weights, std::vector<std::uint64_t> shape,
                                  const Coding& coding, const EncodeOptions& options = {});

/// weight i = code value i x scale of its group: one rounding to float32; +0 under scale byte 0.
/// The same bits on every machine. Errors: those of check; kInvalidArgument when out.size() is not
/// tensor.weights().
Result<void> decode_tensor(const CodedTensor& tensor, std::span<float> out);
Result<std::vector<float>> decode_tensor(const CodedTensor& tensor);

}  // namespace calx::weights
