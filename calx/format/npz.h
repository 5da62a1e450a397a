// NumPy's .npz: a zip archive of .npy files.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/array.h"

namespace calx::format {

inline constexpr std::size_t kNpzEntriesMax = 4'096;
inline constexpr std::uint64_t kNpzBytesMax = std::uint64_t{1} << 32;  // all entries, inflated

/// Every entry in the order of the archive's directory, named without its ".npy".
/// Stored and deflated entries, each checked against its CRC-32 and its announced size.
/// Errors: kInvalidArgument (no zip, or a directory that contradicts itself), kUnimplemented
/// (zip64, encryption, several disks, other compression, entries that are no .npy), kDataLoss
/// (cut short, CRC), kResourceExhausted (the limits above, or `bytes_max` inflated bytes).
/// Source: PKWARE APPNOTE 6.3, sections 4.3 and 4.4.
Result<std::vector<NamedArray>> parse_npz(std::span<const std::uint8_t> bytes,
                                          std::uint64_t bytes_max = kNpzBytesMax);

}  // namespace calx::format
