// Goal: the scan reports the lowest nonce that meets the target, for any target, and nothing when
// there is none; the bytes of a header and of a hash are read in Bitcoin's order.
// Method: vectors (the genesis block; a header whose proof of work has difficulty 343), parity
// with hashing every nonce alone, with each kernel forced in turn.
#include "calx/hash/scan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "calx/base/hex.h"
#include "calx/hash/kernel_test_name.h"
#include "calx/hash/sha256.h"

namespace calx::hash {
namespace {

class ScanTest : public ForcedKernelTest {};
INSTANTIATE_TEST_SUITE_P(, ScanTest, testing::ValuesIn(kernels()), kernel_test_name);

Header header_of(std::string_view digits) {
  Header header{};
  EXPECT_TRUE(from_hex(digits, header));
  return header;
}

const Header kGenesis = header_of(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c"
    "3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c");
constexpr std::uint32_t kGenesisNonce = 2083236893;

// The rebuilt header of a picture signed by a mining device; nonce bytes 693ff293.
const Header kDifficulty343 = header_of(
    "00000020bdef966be056caeaadd552820232596c988af60f6bb5ae12a707a3566dd1b23da8dc26c7b3bb55638a82d6"
    "1268330e1d7558bcf8c5e9b556b8a43b97807ba9a95ec36469ffff001d693ff293");
constexpr std::uint32_t kDifficulty343Nonce = 0x93f23f69;

// floor(0xffff * 2^208): the target of difficulty 1.
TargetBytes difficulty_1() {
  TargetBytes target{};
  target[4] = target[5] = 0xff;
  return target;
}

TargetBytes as_target(Digest digest) {
  std::ranges::reverse(digest);
  return digest;
}

/// The number below.
TargetBytes minus_1(TargetBytes target) {
  for (std::size_t i = 32; i-- > 0;) {
    if (target[i]-- != 0) break;
  }
  return target;
}

TEST(DoubleHashTest, ShowsTheGenesisBlockInItsKnownOrder) {
  EXPECT_EQ(to_hex(as_target(sha256d(kGenesis))),
            "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f");
  EXPECT_EQ(to_hex(as_target(sha256d(kDifficulty343))),
            "0000000000becc6c0454007d5f8dc4947a6845135b8de50bd9de7da746255c9a");
  EXPECT_EQ(with_nonce(kGenesis, kGenesisNonce), kGenesis);
  EXPECT_EQ(with_nonce(kDifficulty343, kDifficulty343Nonce), kDifficulty343);
}

TEST(DoubleHashTest, ComparesAllBitsOfTheTarget) {
  const Digest digest = sha256d(kGenesis);
  EXPECT_TRUE(meets_target(digest, difficulty_1()));
  EXPECT_TRUE(meets_target(digest, as_target(digest)));
  EXPECT_FALSE(meets_target(digest, minus_1(as_target(digest))));
  // Read the wrong way round the genesis hash is far above difficulty 1.
  Digest reversed = digest;
  std::ranges::reverse(reversed);
  EXPECT_FALSE(meets_target(reversed, difficulty_1()));
}

TEST_P(ScanTest, FindsTheGenesisNonceAtDifficulty1) {
  EXPECT_EQ(find_nonce(kGenesis, difficulty_1(), kGenesisNonce - 1000, kGenesisNonce + 1047),
            kGenesisNonce);
  EXPECT_EQ(find_nonce(kGenesis, difficulty_1(), kGenesisNonce, kGenesisNonce), kGenesisNonce);
  EXPECT_EQ(find_nonce(kGenesis, difficulty_1(), kGenesisNonce - 1000, kGenesisNonce - 1),
            std::nullopt);
  EXPECT_EQ(find_nonce(kGenesis, difficulty_1(), kGenesisNonce + 1, kGenesisNonce + 1000),
            std::nullopt);
}

TEST_P(ScanTest, FindsTheNonceOfDifficulty343) {
  EXPECT_EQ(find_nonce(kDifficulty343, difficulty_1(), kDifficulty343Nonce - 500,
                       kDifficulty343Nonce + 500),
            kDifficulty343Nonce);
}

TEST_P(ScanTest, TakesAHashEqualToTheTargetAndNoneAbove) {
  const TargetBytes exact = as_target(sha256d(kGenesis));
  EXPECT_EQ(find_nonce(kGenesis, exact, kGenesisNonce - 20, kGenesisNonce + 20), kGenesisNonce);
  EXPECT_EQ(find_nonce(kGenesis, minus_1(exact), kGenesisNonce - 20, kGenesisNonce + 20),
            std::nullopt);
}

TEST_P(ScanTest, GivesTheLowestNonceForEasyTargets) {
  for (unsigned bits = 0; bits <= 12; ++bits) {
    TargetBytes target;
    target.fill(0xff);
    for (unsigned i = 0; i < bits; ++i) {
      target[i / 8] = static_cast<std::uint8_t>(target[i / 8] & ~(0x80 >> i % 8));
    }
    std::uint32_t nonce = 0xfff0;
    while (!meets_target(sha256d(with_nonce(kGenesis, nonce)), target)) ++nonce;
    EXPECT_EQ(find_nonce(kGenesis, target, 0xfff0, 0xffffffff), nonce) << bits << " zero bits";
  }
}

TEST_P(ScanTest, ReachesTheLastNonceOfAll) {
  const TargetBytes last = as_target(sha256d(with_nonce(kGenesis, 0xffffffff)));
  EXPECT_EQ(find_nonce(kGenesis, last, 0xffffffff, 0xffffffff), 0xffffffff);
  EXPECT_TRUE(find_nonce(kGenesis, last, 0xffffff00, 0xffffffff));
  EXPECT_EQ(find_nonce(kGenesis, TargetBytes{}, 0xfffffff3, 0xffffffff), std::nullopt);
}

}  // namespace
}  // namespace calx::hash
