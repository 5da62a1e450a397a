// A float32 and its bits. std::bit_cast is not in every C++20 library that the exactness program is
// built with, Emscripten's of 2022 among them.
#pragma once

#include <cstdint>
#include <cstring>

namespace calx::noise {

inline float float_of(std::uint32_t bits) noexcept {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline std::uint32_t bits_of(float value) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

}  // namespace calx::noise
