// Big-endian integers in byte arrays, on any machine and at any alignment.
#pragma once

#include <bit>
#include <cstdint>

namespace calx::hash {

constexpr std::uint32_t load_be32(const std::uint8_t* bytes) noexcept {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | std::uint32_t{bytes[3]};
}

constexpr void store_be32(std::uint8_t* bytes, std::uint32_t value) noexcept {
  bytes[0] = static_cast<std::uint8_t>(value >> 24);
  bytes[1] = static_cast<std::uint8_t>(value >> 16);
  bytes[2] = static_cast<std::uint8_t>(value >> 8);
  bytes[3] = static_cast<std::uint8_t>(value);
}

constexpr void store_be64(std::uint8_t* bytes, std::uint64_t value) noexcept {
  store_be32(bytes, static_cast<std::uint32_t>(value >> 32));
  store_be32(bytes + 4, static_cast<std::uint32_t>(value));
}

/// The number whose big-endian bytes are the little-endian bytes of `value`.
constexpr std::uint32_t swap_bytes(std::uint32_t value) noexcept {
  return value >> 24 | (value >> 8 & 0xff00u) | (value << 8 & 0xff0000u) | value << 24;
}

}  // namespace calx::hash
