// Goal: a message hashed among many has the digest it has alone.
// Method: parity with sha256() for every length 0..300, mixtures of lengths, odd counts and odd
// addresses, with each kernel forced in turn.
#include "calx/hash/bulk.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "calx/hash/kernel_test_name.h"
#include "calx/hash/sha256.h"

namespace calx::hash {
namespace {

class BulkTest : public ForcedKernelTest {};
INSTANTIATE_TEST_SUITE_P(, BulkTest, testing::ValuesIn(kernels()), kernel_test_name);

std::vector<std::uint8_t> random_bytes(std::size_t count, unsigned seed) {
  std::mt19937 rng(seed);
  std::vector<std::uint8_t> bytes(count);
  for (auto& b : bytes) b = static_cast<std::uint8_t>(rng());
  return bytes;
}

TEST_P(BulkTest, HashesEqualLengthsLikeSingleMessages) {
  const auto bytes = random_bytes(301 * 37 + 1, 11);
  for (std::size_t length = 0; length <= 300; ++length) {
    const std::size_t count = 1 + length % 37;
    const auto messages = std::span(bytes).subspan(1, length * count);
    std::vector<Digest> digests(count);
    sha256_equal(messages, length, digests);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(digests[i], sha256(messages.subspan(i * length, length)))
          << "message " << i << " of " << count << ", " << length << " bytes";
    }
  }
}

TEST_P(BulkTest, HashesAnyMixtureOfLengths) {
  const auto bytes = random_bytes(4096, 12);
  std::mt19937 rng(13);
  for (const std::size_t count : {0u, 1u, 2u, 9u, 15u, 16u, 17u, 130u, 1500u}) {
    std::vector<Message> messages(count);
    for (auto& message : messages) {
      const std::size_t length = rng() % 301, offset = rng() % 3000;
      message = std::span(bytes).subspan(offset, length);
    }
    std::vector<Digest> digests(count);
    sha256_many(messages, digests);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(digests[i], sha256(messages[i])) << "message " << i << " of " << count;
    }
  }
}

TEST_P(BulkTest, HashesEveryCountOf64ByteMessages) {
  const auto bytes = random_bytes(64 * 50 + 3, 14);
  for (std::size_t count = 0; count <= 50; ++count) {
    const auto messages = std::span(bytes).subspan(3, 64 * count);
    std::vector<Digest> digests(count);
    sha256_equal(messages, 64, digests);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(digests[i], sha256(messages.subspan(64 * i, 64))) << i << " of " << count;
    }
  }
}

}  // namespace
}  // namespace calx::hash
