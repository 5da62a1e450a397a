// The idx files of MNIST, plain or gzipped.
#pragma once

#include <cstdint>
#include <span>

#include "calx/base/result.h"
#include "calx/format/array.h"

namespace calx::format {

inline constexpr std::uint64_t kIdxBytesMax = std::uint64_t{1} << 30;  // inflated

/// Images come as kU8 [count, height, width], labels as kU8 [count].
/// Also reads the other idx kinds: i8, i16, i32, f32, f64.
/// Errors: kInvalidArgument (magic, kind), kDataLoss (fewer or more bytes than the shape asks, or a
/// gzip stream that fails its own check), kResourceExhausted (over `bytes_max` inflated bytes).
/// Source: yann.lecun.com/exdb/mnist, "The IDX file format".
Result<Array> parse_idx(std::span<const std::uint8_t> bytes,
                        std::uint64_t bytes_max = kIdxBytesMax);

}  // namespace calx::format
