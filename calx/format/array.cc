#include "calx/format/array.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

namespace calx::format {
namespace {

struct DtypeRow {
  std::string_view name;
  std::uint64_t bytes;
};

// In the order of the enumeration.
constexpr std::array<DtypeRow, 16> kDtypes = {{{"BOOL", 1},
                                               {"U8", 1},
                                               {"I8", 1},
                                               {"U16", 2},
                                               {"I16", 2},
                                               {"U32", 4},
                                               {"I32", 4},
                                               {"U64", 8},
                                               {"I64", 8},
                                               {"F8_E4M3", 1},
                                               {"F8_E5M2", 1},
                                               {"F16", 2},
                                               {"BF16", 2},
                                               {"F32", 4},
                                               {"F64", 8},
                                               {"C64", 8}}};

bool reads_as_bits(Dtype stored, Dtype wanted) noexcept {
  if (wanted == Dtype::kU16) return stored == Dtype::kF16 || stored == Dtype::kBf16;
  if (wanted == Dtype::kU8) {
    return stored == Dtype::kBool || stored == Dtype::kF8E4m3 || stored == Dtype::kF8E5m2;
  }
  return false;
}

}  // namespace

std::string_view to_string(Dtype dtype) noexcept {
  return kDtypes[static_cast<std::size_t>(dtype)].name;
}

std::uint64_t element_bytes(Dtype dtype) noexcept {
  return kDtypes[static_cast<std::size_t>(dtype)].bytes;
}

Result<std::uint64_t> element_count(std::span<const std::uint64_t> shape) {
  if (shape.size() > kDimensionsMax) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("shape: {} dimensions, wanted at most {}",
                                                         shape.size(), kDimensionsMax));
  }
  std::uint64_t count = 1;
  for (const std::uint64_t side : shape) {
    if (__builtin_mul_overflow(count, side, &count)) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("shape [{}]: more elements than 64 bits can count", fmt::join(shape, ", ")));
    }
  }
  return count;
}

Result<std::uint64_t> byte_count(Dtype dtype, std::span<const std::uint64_t> shape) {
  CALX_ASSIGN(count, element_count(shape));
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(count, element_bytes(dtype), &bytes)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("shape [{}]: more bytes of {} than 64 bits can count",
                            fmt::join(shape, ", "), to_string(dtype)));
  }
  return bytes;
}

Result<void> check(const Array& array) {
  CALX_ASSIGN(wanted, byte_count(array.dtype, array.shape));
  if (array.bytes.size() != wanted) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("array of {} with shape [{}]: {} bytes, wanted {}", to_string(array.dtype),
                    fmt::join(array.shape, ", "), array.bytes.size(), wanted));
  }
  return {};
}

Result<void> check_view(const Array& array, Dtype wanted) {
  if (array.dtype != wanted && !reads_as_bits(array.dtype, wanted)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("array: elements are {}, wanted {}", to_string(array.dtype),
                            to_string(wanted)));
  }
  return check(array);
}

const Array* find(std::span<const NamedArray> arrays, std::string_view name) noexcept {
  for (const NamedArray& entry : arrays) {
    if (entry.name == name) return &entry.array;
  }
  return nullptr;
}

}  // namespace calx::format
