// Goal: pixels and texts survive, other programs' PNGs are read, and no file costs more memory than
// its size can justify.
// Method: round trips, files of Pillow with known pixels, and faults planted chunk by chunk.
#include "calx/format/png.h"

#include <gmock/gmock.h>
#include <zlib.h>

#include <algorithm>

#include "calx/format/corpus_test.h"

namespace calx::format {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

Image pattern(std::uint32_t width, std::uint32_t height, std::uint32_t channels) {
  Image image{width, height, channels, {}};
  for (std::size_t i = 0; i < std::size_t{width} * height * channels; ++i) {
    image.pixels.push_back(static_cast<std::uint8_t>(i * i + 31 * i));
  }
  return image;
}

void append_u32(std::vector<std::uint8_t>& bytes, std::uint64_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

std::vector<std::uint8_t> chunk(std::string_view type, std::string_view data) {
  std::vector<std::uint8_t> bytes;
  append_u32(bytes, data.size());
  append(bytes, type);
  append(bytes, data);
  append_u32(bytes, crc32_z(0, bytes.data() + 4, bytes.size() - 4));
  return bytes;
}

// A PNG of 1 x 1 grey with one more chunk after its header.
std::vector<std::uint8_t> with_chunk(std::string_view type, std::string_view data) {
  auto bytes = encode_png({1, 1, 1, {7}}).value();
  const auto more = chunk(type, data);
  constexpr std::ptrdiff_t kAfterHeader = 8 + 12 + 13;
  bytes.insert(bytes.begin() + kAfterHeader, more.begin(), more.end());
  return bytes;
}

std::vector<std::uint8_t> with_header(std::uint32_t width, std::uint32_t height,
                                      std::uint8_t depth = 8) {
  std::vector<std::uint8_t> header;
  append_u32(header, width);
  append_u32(header, height);
  append(header, std::vector<std::uint8_t>{depth, 0, 0, 0, 0});
  auto bytes = encode_png({1, 1, 1, {7}}).value();
  const auto first = chunk("IHDR", {reinterpret_cast<const char*>(header.data()), header.size()});
  std::ranges::copy(first, bytes.begin() + 8);
  return bytes;
}

TEST(PngTest, PixelsSurviveTheRoundTrip) {
  for (const std::uint32_t channels : {1u, 3u, 4u}) {
    const Image image = pattern(37, 5, channels);
    const auto bytes = encode_png(image).value();
    EXPECT_EQ(parse_png(bytes).value().image, image);
    EXPECT_EQ(encode_png(image).value(), bytes) << "the same image must give the same file";
  }
}

TEST(PngTest, TextsSurviveTheRoundTripInOrder) {
  const std::vector<PngText> texts = {
      {"parameters", "a caf\u00e9\nSteps: 20, Seed: 42", PngChunk::kText},
      {std::string(kPngReceiptKeyword), R"({"note":"€ 😀"})", PngChunk::kInternational},
      {"empty", "", PngChunk::kText}};
  const auto bytes = encode_png(pattern(2, 2, 3), texts).value();
  const Png png = parse_png(bytes).value();
  EXPECT_EQ(png.texts, texts);
  EXPECT_EQ(*find_text(png, kPngReceiptKeyword), texts[1].text);
  EXPECT_EQ(find_text(png, "none"), nullptr);
  const std::string_view raw(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_LT(raw.find("tEXtparameters"), raw.find("IDAT")) << "A1111 looks for tEXt";
  EXPECT_LT(raw.find("iTXtcalx-receipt"), raw.find("IDAT"));
}

TEST(PngTest, ALargeReceiptFits) {
  const std::vector<PngText> texts = {
      {"calx-receipt", std::string(1'000'000, 'r'), PngChunk::kInternational}};
  EXPECT_EQ(parse_png(encode_png(pattern(1, 1, 1), texts).value()).value().texts, texts);
}

TEST(PngTest, TextBeyondLatin1BecomesInternational) {
  const std::vector<PngText> texts = {{"prompt", "\u20ac", PngChunk::kText}};
  const Png png = parse_png(encode_png(pattern(1, 1, 1), texts).value()).value();
  EXPECT_EQ(png.texts[0], (PngText{"prompt", "\u20ac", PngChunk::kInternational}));
}

TEST(PngTest, ReadsTheTextsThatPillowWrites) {
  const Png png = parse_png(corpus_file("png/rgb_texts.png")).value();
  ASSERT_THAT(png.texts, SizeIs(4));
  EXPECT_EQ(*find_text(png, "parameters"), "a café\nNegative prompt: none\nSteps: 20, Seed: 42");
  EXPECT_EQ(*find_text(png, "prompt"), "€ 😀");
  EXPECT_EQ(find_text(png, "workflow")->size(), 160u);
  EXPECT_EQ(*find_text(png, "calx-receipt"), "{\"a\":\"€\"}");
}

TEST(PngTest, ReadsInterlacedFilesAsPlainOnes) {
  const Image image = parse_png(corpus_file("png/grey.png")).value().image;
  EXPECT_EQ(image.pixels[7 + 3], 20 + 27);
  EXPECT_EQ(parse_png(corpus_file("png/interlaced.png")).value().image, image);
}

TEST(PngTest, ExpandsPalettesBitsAndTransparency) {
  EXPECT_EQ(parse_png(corpus_file("png/palette.png")).value().image.channels, 3u);
  EXPECT_EQ(parse_png(corpus_file("png/palette_clear.png")).value().image.channels, 4u);
  EXPECT_EQ(parse_png(corpus_file("png/grey_alpha.png")).value().image.channels, 4u);
  const Image bits = parse_png(corpus_file("png/one_bit.png")).value().image;
  EXPECT_EQ(bits.channels, 1u);
  EXPECT_TRUE(std::ranges::all_of(bits.pixels, [](int v) { return v == 0 || v == 255; }));
}

TEST(PngTest, RefusesSixteenBits) {
  EXPECT_EQ(parse_png(corpus_file("png/sixteen_bits.png")).error().code, ErrorCode::kUnimplemented);
}

TEST(PngTest, RefusesEveryCutAndEveryChangedByteOfAChunk) {
  const auto whole = corpus_file("png/rgb_texts.png");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ASSERT_FALSE(parse_png(std::span(whole).first(size))) << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto changed = whole;
    changed[at] ^= 0x10;
    ASSERT_FALSE(parse_png(changed)) << at;
  }
}

TEST(PngTest, RefusesGiantsBeforeTakingMemory) {
  EXPECT_EQ(parse_png(with_header(kImageSideMax + 1, 1)).error().code,
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(parse_png(with_header(16'384, 16'384)).error().code, ErrorCode::kResourceExhausted);
  const auto error = parse_png(with_header(8'192, 8'192)).error();
  EXPECT_EQ(error.code, ErrorCode::kDataLoss);
  EXPECT_THAT(error.message, HasSubstr("too short to hold them"));
  EXPECT_FALSE(parse_png(with_header(0, 1)));
}

TEST(PngTest, RefusesABombInAText) {
  std::vector<std::uint8_t> zeros(kPngTextBytesMax + 1'000, ' ');
  uLongf packed_bytes = compressBound(zeros.size());
  std::string packed(packed_bytes, '\0');
  ASSERT_EQ(
      compress(reinterpret_cast<Bytef*>(packed.data()), &packed_bytes, zeros.data(), zeros.size()),
      Z_OK);
  packed.resize(packed_bytes);
  const auto bytes = with_chunk("zTXt", std::string("key\0\0", 5) + packed);
  EXPECT_LT(bytes.size(), 10'000u);
  const auto error = parse_png(bytes).error();
  EXPECT_EQ(error.code, ErrorCode::kDataLoss);
  EXPECT_THAT(error.message, HasSubstr("0 of 1 texts"));
}

TEST(PngTest, RefusesTooManyAndTooLargeTexts) {
  const std::string large(kPngTextBytesMax + 1, 'x');
  EXPECT_EQ(parse_png(with_chunk("tEXt", large)).error().code, ErrorCode::kResourceExhausted);
  auto bytes = with_chunk("tEXt", std::string("k\0v", 3));
  const auto one = chunk("tEXt", std::string("k\0v", 3));
  for (std::uint64_t i = 0; i < kPngTextsMax; ++i) {
    bytes.insert(bytes.begin() + 33, one.begin(), one.end());
  }
  EXPECT_EQ(parse_png(bytes).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(encode_png({1, 1, 1, {0}}, std::vector<PngText>(kPngTextsMax + 1)).error().code,
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(encode_png({1, 1, 1, {0}}, std::vector<PngText>{{"k", large}}).error().code,
            ErrorCode::kResourceExhausted);
}

TEST(PngTest, RefusesInternationalTextThatIsNoUtf8) {
  const std::string data("k\0\0\0\0\0\xff", 7);
  EXPECT_THAT(parse_png(with_chunk("iTXt", data)).error().message, HasSubstr("no UTF-8"));
}

TEST(PngTest, ReadsThePictureBehindABrokenColourProfile) {
  EXPECT_TRUE(parse_png(with_chunk("iCCP", "nonsense")));
}

TEST(PngTest, RefusesKeywordsAndTextsThatPngCannotHold) {
  const auto refused = [](std::string keyword, std::string text) {
    const std::vector<PngText> texts = {{std::move(keyword), std::move(text)}};
    return encode_png({1, 1, 1, {0}}, texts).error().code == ErrorCode::kInvalidArgument;
  };
  for (const char* const keyword : {"", " a", "a ", "a  b", "a\n", "\u20ac", "\xff"}) {
    EXPECT_TRUE(refused(keyword, "x")) << keyword;
  }
  EXPECT_TRUE(refused(std::string(80, 'k'), "x"));
  EXPECT_TRUE(refused("k", "\xff"));
  EXPECT_TRUE(refused("k", std::string("a\0b", 3)));
}

}  // namespace
}  // namespace calx::format
