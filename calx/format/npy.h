// NumPy's .npy: one array in one file.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/array.h"

namespace calx::format {

inline constexpr std::size_t kNpyHeaderBytesMax = 65'535;  // what version 1 can express

/// Version 1.0, little-endian, C order, the whole preamble a multiple of 64 bytes: byte for byte
/// what numpy 1.24 writes for the same array.
/// Errors: kInvalidArgument (check(array); BF16 and 8-bit floats, which .npy lacks).
Result<std::vector<std::uint8_t>> encode_npy(const Array& array);

/// Versions 1 to 3; b1, u1..u8, i1..i8, f2, f4, f8, c8 of either byte order. Fortran order is
/// rearranged into C order.
/// Errors: kInvalidArgument (header), kUnimplemented (strings, objects, records and other kinds),
/// kDataLoss (fewer or more bytes than the shape asks), kResourceExhausted (memory).
/// It never runs what the header says: the dictionary is read as data.
/// Source: numpy/lib/format.py, "Format Version 1.0" to "3.0".
Result<Array> parse_npy(std::span<const std::uint8_t> bytes);

}  // namespace calx::format
