// Goal: a receipt has one form; anything else ends in one clear sentence, quickly.
// Method: round trips, faults (every truncation, huge, deep, not UTF-8, newer versions, limits).
#include "calx/receipt/receipt.h"

#include <gmock/gmock.h>

#include "calx/base/hex.h"
#include "calx/format/png.h"
#include "calx/receipt/example_receipt.h"

namespace calx::receipt {
namespace {

using testing::HasSubstr;

// One sentence: not empty, no line break, no full stop at its end.
void expect_one_sentence(const Result<Receipt>& parsed, const std::string& what) {
  ASSERT_FALSE(parsed) << what;
  const std::string& message = parsed.error().message;
  EXPECT_FALSE(message.empty()) << what;
  EXPECT_EQ(message.find('\n'), std::string::npos) << what << message;
  EXPECT_FALSE(message.ends_with('.')) << what << message;
  EXPECT_LT(message.size(), 400u) << what;
}

TEST(ReceiptTest, SurvivesTheRoundTripInBothForms) {
  const Receipt receipt = example::make().receipt;
  EXPECT_EQ(parse_receipt(*encode_canonical(receipt)).value(), receipt);
  EXPECT_EQ(parse_receipt(*encode_pretty(receipt)).value(), receipt);
  const Receipt hidden = example::make({.private_salt = hash::Digest{1}}).receipt;
  EXPECT_EQ(parse_receipt(*encode_canonical(hidden)).value(), hidden);
  EXPECT_EQ(encode_canonical(hidden)->find("hello"), std::string::npos) << "the seed is not told";
}

TEST(ReceiptTest, SignedBytesHoldTheKeyButNotTheSignature) {
  const Receipt receipt = example::make().receipt;
  const std::string bytes = *signed_bytes(receipt);
  EXPECT_TRUE(bytes.starts_with("calx-receipt-1\n{\"commitment\":"));
  EXPECT_THAT(bytes, HasSubstr(to_hex(receipt.public_key)));
  EXPECT_EQ(bytes.find("\"signature\""), std::string::npos);
  EXPECT_EQ(bytes.find(to_hex(receipt.signature)), std::string::npos);
}

TEST(ReceiptTest, EveryTruncationEndsInOneSentence) {
  const std::string text = *encode_canonical(example::make().receipt);
  for (std::size_t length = 0; length < text.size(); ++length) {
    expect_one_sentence(parse_receipt(text.substr(0, length)), "cut at " + std::to_string(length));
  }
}

TEST(ReceiptTest, AHundredMegabytesEndInOneSentence) {
  expect_one_sentence(parse_receipt(std::string(100'000'000, ' ')), "spaces");
  expect_one_sentence(parse_receipt(std::string(100'000'000, '[')), "brackets");
  std::string text = *encode_canonical(example::make().receipt);
  text.insert(1, "\"x\":\"" + std::string(100'000'000, 'x') + "\",");
  expect_one_sentence(parse_receipt(text), "a long text");
}

TEST(ReceiptTest, DeepNestingEndsInOneSentence) {
  for (const std::size_t depth : {33u, 1'000u, 1'000'000u}) {
    expect_one_sentence(parse_receipt(std::string(depth, '[') + std::string(depth, ']')), "arrays");
    std::string objects;
    for (std::size_t i = 0; i < depth; ++i) objects += "{\"a\":";
    expect_one_sentence(parse_receipt(objects + "1" + std::string(depth, '}')), "objects");
  }
}

TEST(ReceiptTest, BytesThatAreNoUtf8EndInOneSentence) {
  const std::string text = *encode_canonical(example::make().receipt);
  for (const std::string& bad :
       std::vector<std::string>{"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xc3"}) {
    std::string broken = text;
    broken.insert(broken.find("example") + 1, bad);
    expect_one_sentence(parse_receipt(broken),
                        to_hex({reinterpret_cast<const std::uint8_t*>(bad.data()), bad.size()}));
  }
  expect_one_sentence(parse_receipt("\xef\xbb\xbf" + text), "byte order mark");
}

TEST(ReceiptTest, OtherJsonIsNoReceipt) {
  for (const char* text : {"", "[]", "{}", "1", "\"calx-receipt-1\"", "null", "{\"format\":1}",
                           "{\"format\":\"calx-receipt-1\"}", "{\"format\":\"calx-receipt-0\"}",
                           "{\"format\":\"calx-receipt-\"}", "{\"format\":\"calx-receipt-2x\"}"}) {
    expect_one_sentence(parse_receipt(text), text);
  }
}

TEST(ReceiptTest, ANewerVersionIsNamedWithOurs) {
  std::string text = *encode_canonical(example::make().receipt);
  text.replace(text.find("calx-receipt-1"), 14, "calx-receipt-2");
  const auto parsed = parse_receipt(text);
  EXPECT_EQ(parsed.error().code, ErrorCode::kUnimplemented);
  EXPECT_EQ(parsed.error().message,
            "receipt version calx-receipt-2 is newer than this program (calx-receipt-1)");
}

TEST(ReceiptTest, FieldsThatDisagreeAreNamed) {
  const auto message = [](auto&& change) {
    Receipt receipt = example::make().receipt;
    change(receipt);
    const auto checked = check(receipt);
    return checked ? std::string("accepted") : checked.error().message;
  };
  EXPECT_EQ(message([](Receipt&) {}), "accepted");
  EXPECT_THAT(message([](Receipt& r) { r.images.clear(); }), HasSubstr("no image"));
  EXPECT_THAT(message([](Receipt& r) { r.images[1].index = 9; }), HasSubstr("outside the request"));
  EXPECT_THAT(message([](Receipt& r) { std::swap(r.images[0], r.images[1]); }),
              HasSubstr("ascending"));
  EXPECT_THAT(message([](Receipt& r) { r.images[0].seed.reset(); }), HasSubstr("tell its seed"));
  EXPECT_THAT(message([](Receipt& r) { r.images[0].pixels.width = 9; }), HasSubstr("9x8"));
  EXPECT_THAT(message([](Receipt& r) { r.images[0].pixels.channels = 2; }),
              HasSubstr("2 channels"));
  EXPECT_THAT(message([](Receipt& r) { r.images[0].latent.rows = 0; }), HasSubstr("latent"));
  EXPECT_THAT(message([](Receipt& r) { r.images[0].latent = {16'384, 16'384, 16'384, {}}; }),
              HasSubstr("latent"));
  for (const char* name : {"", ".", "..", "../a.png", "/etc/passwd", "a\\b", "a\nb"}) {
    EXPECT_THAT(message([&](Receipt& r) { r.images[0].file = name; }),
                HasSubstr("plain file name"));
  }
  EXPECT_THAT(message([](Receipt& r) { r.signer.assign(513, 'x'); }), HasSubstr("signer's name"));
  EXPECT_THAT(message([](Receipt& r) { r.made["k"].assign(513, 'x'); }), HasSubstr("'made'"));
  EXPECT_THAT(message([](Receipt& r) {
                for (int i = 0; i < 33; ++i) r.made[std::to_string(i)] = "x";
              }),
              HasSubstr("'made'"));
}

TEST(ReceiptTest, DigestsDependOnShapeAndEveryValue) {
  const std::vector<float> values(16, 0.0F);
  EXPECT_NE(latent_digest(1, 4, 4, values), latent_digest(1, 2, 8, values));
  EXPECT_NE(latent_digest(1, 4, 4, values), latent_digest(4, 2, 2, values));
  std::vector<float> negative_zero = values;
  negative_zero[15] = -0.0F;
  EXPECT_NE(latent_digest(1, 4, 4, values), latent_digest(1, 4, 4, negative_zero)) << "bits count";
  const format::Image wide{.width = 4, .height = 1, .channels = 1, .pixels = {1, 2, 3, 4}};
  const format::Image tall{.width = 1, .height = 4, .channels = 1, .pixels = {1, 2, 3, 4}};
  EXPECT_NE(pixel_digest(wide), pixel_digest(tall));
}

TEST(ReceiptTest, OneImageTravelsInsideItsPng) {
  const auto made = example::make();
  EXPECT_EQ(only_image(made.receipt, 7).error().code, ErrorCode::kNotFound);
  Receipt one = *only_image(made.receipt, 1);
  ASSERT_TRUE(sign(one, example::key()));
  const format::PngText text{.keyword = std::string(format::kPngReceiptKeyword),
                             .text = *encode_canonical(one),
                             .chunk = format::PngChunk::kInternational};
  const auto file = format::encode_png(made.images[1], std::span(&text, 1));
  ASSERT_TRUE(file);
  const auto png = format::parse_png(*file);
  ASSERT_TRUE(png);
  const std::string* inside = format::find_text(*png, format::kPngReceiptKeyword);
  ASSERT_NE(inside, nullptr);
  EXPECT_EQ(parse_receipt(*inside).value(), one);
  EXPECT_EQ(one.images.size(), 1u);
  EXPECT_EQ(pixel_digest(png->image), one.images[0].pixels.digest);
}

}  // namespace
}  // namespace calx::receipt
