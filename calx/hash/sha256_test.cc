// Goal: SHA-256 as FIPS 180-4 defines it, however the message arrives.
// Method: vector tests; a message in pieces against the message in one piece.
#include "calx/hash/sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "calx/base/hex.h"

namespace calx::hash {
namespace {

// FIPS 180-4 examples: one block, two blocks, and a million letters.
TEST(Sha256Test, HashesTheExamplesOfFips180) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(to_hex(sha256(std::string(1000000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, HashesPiecesAsTheWhole) {
  std::vector<std::uint8_t> message(300);
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = static_cast<std::uint8_t>(i % 251);
  const std::span<const std::uint8_t> all = message;
  for (std::size_t length = 0; length <= all.size(); ++length) {
    const Digest whole = sha256(all.first(length));
    for (const std::size_t cut : {std::size_t{0}, length / 3, length / 2, length}) {
      Sha256 pieces;
      pieces.update(all.first(cut)).update(all.subspan(cut, length - cut));
      ASSERT_EQ(pieces.finish(), whole) << length << " bytes cut at " << cut;
    }
  }
}

TEST(Sha256Test, WritesIntegersBigEndian) {
  const std::vector<std::uint8_t> bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
  EXPECT_EQ(Sha256().update_u8(1).update_u32(0x02030405).update_u64(0x060708090a0b0c0d).finish(),
            sha256(bytes));
}

TEST(Sha256Test, GoesOnAfterADigestWasTaken) {
  Sha256 hash;
  hash.update("ab");
  EXPECT_EQ(hash.finish(), sha256("ab"));
  EXPECT_EQ(hash.update("c").finish(), sha256("abc"));
}

}  // namespace
}  // namespace calx::hash
