// Goal: a signature holds for one message and one key, and weak keys hold nothing.
// Method: vector (RFC 8032, test 2), faults (every bit of the signature, low-order keys, a scalar
// that is not reduced).
#include "calx/receipt/signature.h"

#include <gtest/gtest.h>

#include "calx/base/hex.h"

namespace calx::receipt {
namespace {

template <class Bytes>
Bytes parsed(std::string_view digits) {
  Bytes out{};
  EXPECT_TRUE(from_hex(digits, out));
  return out;
}

SigningKey rfc_key() {
  return *SigningKey::from_secret(parsed<std::array<std::uint8_t, 32>>(
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"));
}

TEST(SignatureTest, SignsAsRfc8032DoesInTest2) {
  const SigningKey key = rfc_key();
  EXPECT_EQ(to_hex(key.public_key()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const auto signature = key.sign("\x72");
  EXPECT_EQ(to_hex(signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f"
            "3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(verify_signature("\x72", signature, key.public_key()));
}

TEST(SignatureTest, OneChangedBitAnywhereIsRefused) {
  const SigningKey key = rfc_key();
  const auto signature = key.sign("a receipt");
  for (std::size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    auto changed = signature;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    ASSERT_FALSE(verify_signature("a receipt", changed, key.public_key())) << "bit " << bit;
  }
  EXPECT_FALSE(verify_signature("a receipT", signature, key.public_key()));
  EXPECT_FALSE(verify_signature("", signature, key.public_key()));
}

TEST(SignatureTest, LowOrderKeysAreRefused) {
  // With the neutral element as key, S = 0 and R neutral satisfy the equation for every message.
  Signature forged{};
  forged[0] = 1;
  PublicKey neutral{};
  neutral[0] = 1;
  EXPECT_FALSE(verify_signature("anything", forged, neutral));
  EXPECT_FALSE(verify_signature("anything", forged, PublicKey{}));
}

TEST(SignatureTest, AScalarThatIsNotReducedIsRefused) {
  // S + L, L the order of the group, little-endian: the classic malleable twin.
  const auto order = parsed<std::array<std::uint8_t, 32>>(
      "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  const SigningKey key = rfc_key();
  auto twin = key.sign("a receipt");
  unsigned carry = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    carry += unsigned{twin[32 + i]} + order[i];
    twin[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  EXPECT_FALSE(verify_signature("a receipt", twin, key.public_key()));
}

TEST(SignatureTest, AMovedKeyStillSignsAndRandomBytesDiffer) {
  SigningKey key = rfc_key();
  const SigningKey moved = std::move(key);
  EXPECT_TRUE(verify_signature("m", moved.sign("m"), moved.public_key()));
  EXPECT_NE(random_digest(), random_digest());
  EXPECT_NE(random_salt(), random_salt());
}

TEST(SignatureTest, APublicKeyOfAnotherLengthIsNamed) {
  EXPECT_EQ(parse_public_key("ab").error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(parse_public_key("ab").error().message.find("public key"), std::string::npos);
}

}  // namespace
}  // namespace calx::receipt
