// calx-weights-1: coded tensors beside plain ones in one safetensors file, sealed by a digest.
// Standard: docs/protocol/weights.md, 5.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/array.h"
#include "calx/weights/coded_tensor.h"

namespace calx::weights {

struct NamedCodedTensor {
  std::string name;
  CodedTensor tensor;

  friend bool operator==(const NamedCodedTensor&, const NamedCodedTensor&) = default;
};

struct WeightsFile {
  std::vector<NamedCodedTensor> coded;          // sorted by name when read
  std::vector<format::NamedArray> plain;        // as they are
  std::map<std::string, std::string> metadata;  // of the user; no key begins "calx-weights-1"

  friend bool operator==(const WeightsFile&, const WeightsFile&) = default;
};

/// The whole file; the same content gives the same bytes, whatever the order of its tensors.
/// Errors: kInvalidArgument (a tensor that check() refuses; a name twice, or one that the parts of
/// another take: NAME.codes, NAME.scales; a reserved key), kResourceExhausted.
Result<std::vector<std::uint8_t>> encode_weights(const WeightsFile& file);

/// Refuses every file that encode_weights() would not have written, so that no byte of one that is
/// accepted can have changed: other bytes for the same content, a tensor whose digest is not that
/// of its description (named), a seal that is not that of the file.
/// Errors: those of parse_safetensors; kInvalidArgument (no such file, a description that is none,
/// an unknown codebook), kDataLoss (truncated, changed), kResourceExhausted.
Result<WeightsFile> parse_weights(std::span<const std::uint8_t> bytes);

/// All tensors as float32, coded ones decoded, under their names: what other programs read. Plain
/// ones stay as they are. Errors: those of decode_tensor.
Result<std::vector<format::NamedArray>> decode_weights(const WeightsFile& file);

}  // namespace calx::weights
