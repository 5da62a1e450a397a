// Goal: both ends of calx-asic-1 agree on every byte, and a frame that is none ends the connection.
// Method: vectors: HMAC of RFC 4231 and a frame whose check sum zlib's crc32 gave; law: frames cut
// at every place come out whole; faults: one planted in each field.
#include "calx/device/asic_frame.h"

#include <gmock/gmock.h>

#include <numeric>

#include "calx/base/hex.h"

namespace calx::device {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// RFC 4231, cases 1, 2 and 6 (a key longer than a block).
TEST(AsicProofTest, HmacAgreesWithRfc4231) {
  EXPECT_EQ(to_hex(hmac_sha256(Bytes(20, 0x0b), bytes_of("Hi There"))),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(to_hex(hmac_sha256(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha256(Bytes(131, 0xaa),
                               bytes_of("Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(AsicProofTest, EachRoleVersionAndNonceHasAProofOfItsOwn) {
  const AsicNonce a{1}, b{2};
  const auto proof = asic_proof("a token of some length", AsicRole::kHost, 1, a, b);
  EXPECT_TRUE(equal_in_constant_time(
      proof, asic_proof("a token of some length", AsicRole::kHost, 1, a, b)));
  for (const auto& other : {asic_proof("a token of some length", AsicRole::kAgent, 1, a, b),
                            asic_proof("a token of some length", AsicRole::kHost, 2, a, b),
                            asic_proof("a token of some length", AsicRole::kHost, 1, b, a),
                            asic_proof("another token", AsicRole::kHost, 1, a, b)}) {
    EXPECT_FALSE(equal_in_constant_time(proof, other));
  }
}

TEST(AsicFrameTest, APingHasTheDocumentedBytes) {
  EXPECT_EQ(to_hex(encode({.type = AsicType::kPing, .body = {1, 2}}, 7)),
            "a506000200000007"
            "0102"
            "ba2487a8");
}

TEST(AsicFrameTest, FramesCutAnywhereComeOutWhole) {
  Bytes all;
  for (std::uint32_t i = 0; i < 3; ++i) {
    Bytes body(i * 300);
    std::iota(body.begin(), body.end(), std::uint8_t{0});
    const Bytes frame = encode({.type = AsicType::kData, .body = body}, i);
    all.insert(all.end(), frame.begin(), frame.end());
  }
  for (std::size_t cut = 0; cut <= all.size(); cut += 7) {
    AsicFrameStream stream;
    std::size_t frames = 0;
    for (const auto part : {std::span(all).first(cut), std::span(all).subspan(cut)}) {
      stream.push(part);
      for (;;) {
        const auto frame = stream.next();
        ASSERT_TRUE(frame) << frame.error().message;
        if (!*frame) break;
        EXPECT_EQ((*frame)->body.size(), frames * 300);
        ++frames;
      }
    }
    EXPECT_EQ(frames, 3u);
  }
}

struct Fault {
  const char* name;
  std::size_t at;
  std::uint8_t flip;
};
void PrintTo(const Fault& fault, std::ostream* os) { *os << fault.name; }
class AsicFaultTest : public testing::TestWithParam<Fault> {};
INSTANTIATE_TEST_SUITE_P(, AsicFaultTest,
                         testing::Values(Fault{"magic", 0, 1}, Fault{"type", 1, 0x40},
                                         Fault{"oversized", 2, 0x80}, Fault{"sequence", 7, 1},
                                         Fault{"body", 9, 0x10}, Fault{"check", 12, 1}),
                         [](const auto& row) { return row.param.name; });

TEST_P(AsicFaultTest, EndsTheConnection) {
  Bytes bytes = encode({.type = AsicType::kPing, .body = {1, 2, 3}}, 0);
  bytes[GetParam().at] ^= GetParam().flip;
  AsicFrameStream stream;
  stream.push(bytes);
  for (int i = 0; i < 2; ++i) {
    const auto frame = stream.next();
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().code, ErrorCode::kDataLoss);
  }
}

TEST(AsicFrameTest, TheReasonOfAnEndIsShownAsText) {
  const Error token = end_reason({.type = AsicType::kEnd, .body = {1, 'n', 'o', 7}}, "the agent");
  EXPECT_EQ(token.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(token.message, "the agent says: no?");
  EXPECT_EQ(end_reason({.type = AsicType::kEnd}, "it").code, ErrorCode::kUnavailable);
  EXPECT_FALSE(parse_welcome({.type = AsicType::kWelcome, .body = Bytes(37)}));
  EXPECT_FALSE(parse_challenge({.type = AsicType::kWelcome, .body = Bytes(36)}));
}

}  // namespace
}  // namespace calx::device
