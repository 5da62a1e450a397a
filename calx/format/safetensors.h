// safetensors: named arrays and a string-to-string dictionary in one file that runs no code.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/array.h"

namespace calx::format {

inline constexpr std::uint64_t kSafetensorsFormatHeaderMax = 100'000'000;  // the format's own limit
inline constexpr std::uint64_t kSafetensorsHeaderBytesMax = 16'777'216;    // ours, when reading
inline constexpr std::size_t kSafetensorsTensorsMax = 65'536;

struct Safetensors {
  std::vector<NamedArray> tensors;
  std::map<std::string, std::string> metadata;

  friend bool operator==(const Safetensors&, const Safetensors&) = default;
};

/// Tensors in the order of the reference writer: larger elements first, then by name, so that
/// every tensor is aligned. Metadata first in the header, keys sorted. The same content gives the
/// same bytes, whatever the order of `tensors`.
/// Errors: kInvalidArgument (check(array), a name twice, the name "__metadata__", no UTF-8),
/// kResourceExhausted (the limits above).
Result<std::vector<std::uint8_t>> encode_safetensors(const Safetensors& file);

/// Tensors come in the order of their data.
/// Refuses what the reference reader refuses: a header over the limit or past the end, one that
/// does not start with '{', duplicate or unknown keys, metadata that is no text, unknown dtypes,
/// shapes whose size overflows or disagrees with the offsets, holes, overlaps and trailing bytes.
/// Errors: kInvalidArgument (the header), kDataLoss (fewer or more bytes than it announces),
/// kUnimplemented (elements under 8 bits), kResourceExhausted (limits, memory).
/// Source: huggingface/safetensors, README "Format" and the cases of `attacks/`.
Result<Safetensors> parse_safetensors(std::span<const std::uint8_t> bytes);

}  // namespace calx::format
