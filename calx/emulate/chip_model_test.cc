// Goal: the chip returns every nonce that meets the target, in order, and nothing else.
// Method: parity with a plain walk over the nonces by OpenSSL.
#include "calx/emulate/chip_model.h"

#include <gtest/gtest.h>

#include "calx/emulate/openssl_hash.h"

namespace calx::emulate {
namespace {

TEST(ChipModelTest, ReturnsExactlyTheNoncesThatAPlainWalkFinds) {
  hash::Header header{};
  for (std::size_t i = 0; i < 76; ++i) header[i] = static_cast<std::uint8_t>(3 * i);
  constexpr std::uint32_t kNonces = 4096;
  const auto target = work::Target::from_difficulty(0x1p-25).value();  // 128 hashes
  std::vector<std::uint32_t> expected;
  for (std::uint32_t nonce = 0; nonce < kNonces; ++nonce) {
    hash::Header tried = header;
    for (std::size_t i = 0; i < 4; ++i) tried[76 + i] = static_cast<std::uint8_t>(nonce >> 8 * i);
    if (meets(openssl_double_hash(tried), openssl_target(-25))) expected.push_back(nonce);
  }
  ASSERT_GT(expected.size(), 10u);

  ChipModel chip;
  EXPECT_TRUE(chip.exhausted()) << "nothing is loaded";
  chip.load(header, target);
  std::vector<std::uint32_t> found;
  std::uint64_t tried = 0;
  while (tried < kNonces) {
    const Stretch stretch = chip.run(std::min<std::uint64_t>(100, kNonces - tried));
    tried += stretch.tried;
    if (stretch.nonce) found.push_back(*stretch.nonce);
  }
  EXPECT_EQ(tried, kNonces);
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace calx::emulate
