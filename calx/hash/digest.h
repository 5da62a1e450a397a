// The words of SHA-256 that every layer shares.
#pragma once

#include <array>
#include <cstdint>

namespace calx::hash {

using Digest = std::array<std::uint8_t, 32>;  // FIPS 180-4 byte order
using State = std::array<std::uint32_t, 8>;   // H0..H7, host integers
using Header = std::array<std::uint8_t, 80>;  // a Bitcoin block header, bytes as on the wire

inline constexpr State kInitialState = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

}  // namespace calx::hash
