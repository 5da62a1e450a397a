// The second implementation of the tests: SHA-256d by OpenSSL, targets by shifting.
#pragma once

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace calx::emulate {

using Bytes = std::vector<std::uint8_t>;
using Hash = std::array<std::uint8_t, 32>;

inline Hash openssl_double_hash(std::span<const std::uint8_t> bytes) {
  Hash once{}, twice{};
  SHA256(bytes.data(), bytes.size(), once.data());
  SHA256(once.data(), once.size(), twice.data());
  return twice;
}

/// 0xFFFF * 2^(208 - log2_difficulty), most significant byte first; log2_difficulty <= 0.
inline Hash openssl_target(int log2_difficulty) {
  Hash target{};
  const int lowest_bit = 208 - log2_difficulty;
  for (int bit = lowest_bit; bit < std::min(lowest_bit + 16, 256); ++bit) {
    target[static_cast<std::size_t>(31 - bit / 8)] |= static_cast<std::uint8_t>(1 << bit % 8);
  }
  return target;
}

inline bool meets(const Hash& hash, const Hash& target) {
  return !std::lexicographical_compare(target.begin(), target.end(), hash.rbegin(), hash.rend());
}

}  // namespace calx::emulate
