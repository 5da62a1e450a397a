// An n-dimensional array as files hold it: element type, shape, bytes. The layers that compute have
// their own tensors; this one only travels between them and .npy, .npz, idx and safetensors.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calx/base/assert.h"
#include "calx/base/result.h"

namespace calx::format {

enum class Dtype : std::uint8_t {
  kBool,  // one byte, 0 or 1
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kU64,
  kI64,
  kF8E4m3,
  kF8E5m2,
  kF16,   // IEEE binary16
  kBf16,  // the upper half of an IEEE binary32
  kF32,
  kF64,
  kC64,  // two binary32: real, imaginary
};

/// The word of safetensors: "BOOL", "U8", ..., "F8_E4M3", "BF16", "F32", "C64".
std::string_view to_string(Dtype dtype) noexcept;

/// Bytes of one element: 1, 2, 4 or 8.
std::uint64_t element_bytes(Dtype dtype) noexcept;

inline constexpr std::size_t kDimensionsMax = 32;

struct Array {
  Dtype dtype = Dtype::kU8;
  std::vector<std::uint64_t> shape;  // empty: one element without dimensions
  std::vector<std::uint8_t> bytes;  // C order (last dimension fastest), elements in host byte order

  friend bool operator==(const Array&, const Array&) = default;
};

struct NamedArray {
  std::string name;
  Array array;

  friend bool operator==(const NamedArray&, const NamedArray&) = default;
};

/// Product of the dimensions; 1 for no dimensions.
/// Errors: kInvalidArgument over kDimensionsMax dimensions or when the product passes 2^64 - 1.
Result<std::uint64_t> element_count(std::span<const std::uint64_t> shape);

/// element_count(shape) * element_bytes(dtype). Errors: as element_count.
Result<std::uint64_t> byte_count(Dtype dtype, std::span<const std::uint64_t> shape);

/// Errors: kInvalidArgument unless array.bytes.size() == byte_count(array.dtype, array.shape).
Result<void> check(const Array& array);

/// The dtype that holds a T; half floats and bool have no T of their own.
template <class T>
constexpr Dtype dtype_of() noexcept {
  if constexpr (std::same_as<T, std::uint8_t>) return Dtype::kU8;
  if constexpr (std::same_as<T, std::int8_t>) return Dtype::kI8;
  if constexpr (std::same_as<T, std::uint16_t>) return Dtype::kU16;
  if constexpr (std::same_as<T, std::int16_t>) return Dtype::kI16;
  if constexpr (std::same_as<T, std::uint32_t>) return Dtype::kU32;
  if constexpr (std::same_as<T, std::int32_t>) return Dtype::kI32;
  if constexpr (std::same_as<T, std::uint64_t>) return Dtype::kU64;
  if constexpr (std::same_as<T, std::int64_t>) return Dtype::kI64;
  if constexpr (std::same_as<T, float>) return Dtype::kF32;
  if constexpr (std::same_as<T, double>) return Dtype::kF64;
}

/// An array that copies `values`. Half floats are given as their bits: T = std::uint16_t with
/// dtype kF16 or kBf16; one-byte kinds as std::uint8_t.
/// \pre sizeof(T) is the element size of `dtype`, and the shape holds exactly values.size()
template <std::ranges::contiguous_range Range, class T = std::ranges::range_value_t<Range>>
Array make_array(std::vector<std::uint64_t> shape, const Range& values,
                 Dtype dtype = dtype_of<T>()) {
  CALX_ASSERT(element_bytes(dtype) == sizeof(T));
  const auto bytes = std::as_bytes(std::span(values));
  Array array{dtype, std::move(shape), std::vector<std::uint8_t>(bytes.size())};
  CALX_ASSERT(check(array));
  if (!bytes.empty()) std::memcpy(array.bytes.data(), bytes.data(), bytes.size());
  return array;
}

/// Errors: kInvalidArgument unless the dtype is that of T (std::uint16_t also reads kF16 and kBf16
/// as bits, std::uint8_t also kBool and the 8-bit floats) and check(array) holds.
Result<void> check_view(const Array& array, Dtype wanted);

/// The elements without a copy, valid as long as `array.bytes`. Errors: as check_view.
template <class T>
Result<std::span<const T>> view(const Array& array) {
  CALX_TRY(check_view(array, dtype_of<T>()));
  return std::span<const T>(reinterpret_cast<const T*>(array.bytes.data()),
                            array.bytes.size() / sizeof(T));
}

/// The array with this name, or null. Cost: linear.
const Array* find(std::span<const NamedArray> arrays, std::string_view name) noexcept;

}  // namespace calx::format
