// The way between the byte order of a file and that of this machine.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>

#include "calx/format/array.h"

namespace calx::format {

/// Reverses the bytes of every number when `order` is not this machine's. The two halves of a
/// complex element are numbers of their own.
inline void reorder(std::span<std::uint8_t> bytes, Dtype dtype, std::endian order) noexcept {
  const std::size_t unit = dtype == Dtype::kC64 ? 4 : element_bytes(dtype);
  if (order == std::endian::native || unit == 1) return;
  for (std::size_t i = 0; i + unit <= bytes.size(); i += unit) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                 bytes.begin() + static_cast<std::ptrdiff_t>(i + unit));
  }
}

/// \pre bytes.size() >= sizeof(T)
template <std::unsigned_integral T>
T load(std::span<const std::uint8_t> bytes, std::endian order) noexcept {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    const std::size_t place = order == std::endian::little ? i : sizeof(T) - 1 - i;
    value = static_cast<T>(value | static_cast<T>(static_cast<T>(bytes[i]) << (8 * place)));
  }
  return value;
}

}  // namespace calx::format
