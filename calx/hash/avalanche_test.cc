// Goal: one flipped input bit changes half of the output bits of SHA-256, as seed 000 (2.2) claims.
//
// Method: law. In 64 messages of one block each of the 440 input bits is flipped; the count of
// changed output bits is binomial(256, 1/2) if outputs are unrelated. Mean and variance over the
// 28,160 flips must lie within five standard errors, and no flip may change fewer than 70 bits
// (probability below 1e-12 each). This describes SHA-256, not whoever computes it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

#include "calx/hash/sha256.h"

namespace calx::hash {
namespace {

int changed_bits(const Digest& a, const Digest& b) {
  int changed = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    changed += std::popcount(static_cast<unsigned>(a[i] ^ b[i]));
  }
  return changed;
}

TEST(AvalancheTest, OneFlippedInputBitChangesHalfOfTheOutputBits) {
  constexpr int kMessages = 64;
  constexpr std::size_t kBytes = 55;  // one block with its padding
  double sum = 0.0;
  double squares = 0.0;
  int least = 256;
  int flips = 0;
  for (int m = 0; m < kMessages; ++m) {
    std::array<std::uint8_t, kBytes> message{};
    for (std::size_t i = 0; i < kBytes; ++i) {
      message[i] = static_cast<std::uint8_t>(static_cast<std::size_t>(m) * 131 + i * 17);
    }
    const Digest whole = sha256(message);
    for (std::size_t bit = 0; bit < 8 * kBytes; ++bit) {
      auto flipped = message;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      const int changed = changed_bits(whole, sha256(flipped));
      sum += changed;
      squares += double{1} * changed * changed;
      least = std::min(least, changed);
      ++flips;
    }
  }
  const double mean = sum / flips;
  const double variance = squares / flips - mean * mean;
  // Binomial(256, 1/2): mean 128, variance 64; the variance's standard error is 64 sqrt(2 / n).
  EXPECT_NEAR(mean, 128.0, 5.0 * 8.0 / std::sqrt(flips));
  EXPECT_NEAR(variance, 64.0, 5.0 * 64.0 * std::sqrt(2.0 / flips));
  EXPECT_GE(least, 70);
  RecordProperty("mean_changed_bits", std::to_string(mean));
}

}  // namespace
}  // namespace calx::hash
