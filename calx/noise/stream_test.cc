// Goal: an element of a stream is the value that docs/protocol/noise.md defines, wherever the
// region that asks for it begins and ends.
// Method: vectors from docs/protocol/calx_noise.py (a separate implementation over a separate
// SHA-256); laws over tiles and canvases; one fault for each refusal.
#include "calx/noise/stream.h"

#include <gmock/gmock.h>

#include <bit>
#include <vector>

#include "calx/noise/normal_transform.h"

namespace calx::noise {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Stream stream_of(std::string_view seed, std::string_view name, std::uint64_t index) {
  return Stream::open(Seed::parse(seed).value(), name, index).value();
}

std::vector<std::uint32_t> bits_of(const Stream& stream, const Region& region) {
  std::vector<std::uint32_t> out(region.elements());
  EXPECT_TRUE(stream.bits(region, out));
  return out;
}

std::vector<std::uint32_t> patterns(const std::vector<float>& values) {
  std::vector<std::uint32_t> out;
  for (const float value : values) out.push_back(std::bit_cast<std::uint32_t>(value));
  return out;
}

constexpr Region kFour{.columns = 4};

TEST(StreamTest, DerivesTheKeyOfTheProtocol) {
  EXPECT_THAT(stream_of("hello", "init", 0).key(),
              ElementsAre(0x2e802a16, 0x685952fb, 0x2e805207, 0xa116b260, 0x5788d8e0, 0xdfcb4b1f,
                          0x8a1f61bf, 0xc3633c15));
}

TEST(StreamTest, GivesTheWordsOfTheProtocol) {
  EXPECT_THAT(bits_of(stream_of("0", "init", 0), kFour),
              ElementsAre(0xe2e39643, 0x09294b7f, 0xd7379ff4, 0x60a21d3f));
  EXPECT_THAT(bits_of(stream_of("hello", "init", 0), kFour),
              ElementsAre(0x2e171403, 0x248d0e45, 0x2dbc29f1, 0x1f317b83));
  EXPECT_THAT(
      bits_of(stream_of("0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                        "step/17", 3),
              kFour),
      ElementsAre(0x0824a67d, 0x0b46916d, 0xdfa522cc, 0xfe00f70e));
  EXPECT_THAT(bits_of(stream_of("-1", "init", ~0ull), kFour),
              ElementsAre(0xa291cbe4, 0xc8f9043b, 0xdbcef2cb, 0x55a1f78c));
}

TEST(StreamTest, GivesTheNormalAndUniformValuesOfTheProtocol) {
  const Stream stream = stream_of("hello", "init", 0);
  std::vector<float> out(4);
  ASSERT_TRUE(stream.normal(kFour, out));
  EXPECT_THAT(patterns(out), ElementsAre(0xbf6a4b77, 0xbf88b1be, 0xbf6ba6bb, 0xbf9538c0));
  ASSERT_TRUE(stream.uniform(kFour, out));
  EXPECT_THAT(patterns(out), ElementsAre(0xbf23d1d8, 0xbf36e5e3, 0xbf2487ac, 0xbf419d09));
}

TEST(StreamTest, SeedTypeNameAndIndexAllChangeTheKey) {
  const auto key = stream_of("7", "init", 0).key();
  EXPECT_NE(stream_of("text:7", "init", 0).key(), key);
  EXPECT_NE(stream_of("7", "step/0", 0).key(), key);
  EXPECT_NE(stream_of("7", "init", 1).key(), key);
}

TEST(StreamTest, AnyTileOfAnyCanvasHoldsTheSameValues) {
  const Stream stream = stream_of("tile", "init", 2);
  const Region canvas{.plane = 1, .channels = 3, .rows = 21, .columns = 77};
  const auto whole = bits_of(stream, canvas);
  std::vector<float> whole_normal(canvas.elements());
  ASSERT_TRUE(stream.normal(canvas, whole_normal));
  for (std::uint32_t column = 0; column < 20; ++column) {
    for (const std::uint32_t width : {1u, 3u, 8u, 16u, 57u}) {
      const Region tile{.plane = 1,
                        .channel_first = 1,
                        .channels = 2,
                        .row_first = 5,
                        .rows = 9,
                        .column_first = column,
                        .columns = width};
      const auto part = bits_of(stream, tile);
      std::vector<float> part_normal(tile.elements());
      ASSERT_TRUE(stream.normal(tile, part_normal));
      std::size_t i = 0;
      for (std::size_t c = 1; c < 3; ++c) {
        for (std::size_t r = 5; r < 14; ++r) {
          for (std::size_t x = column; x < column + width; ++x, ++i) {
            const std::size_t at = (c * canvas.rows + r) * canvas.columns + x;
            ASSERT_EQ(part[i], whole[at]);
            ASSERT_EQ(part_normal[i], whole_normal[at]);
          }
        }
      }
    }
  }
}

TEST(StreamTest, RowsLongerThanOneWalkAndTheFarEdgeOfTheCanvasAgreeWithSingleElements) {
  const Stream stream = stream_of("long", "init", 0);
  const Region row{.row_first = 3, .column_first = 5, .columns = 3 * kWalkWords + 11};
  const auto whole = bits_of(stream, row);
  for (std::uint32_t i = 0; i < row.columns; i += 997) {
    EXPECT_EQ(bits_of(stream, {.row_first = 3, .column_first = 5 + i})[0], whole[i]);
  }
  const Region corner{
      .plane = ~0u, .channel_first = ~0u, .row_first = ~0u, .column_first = ~0u - 2, .columns = 3};
  EXPECT_EQ(
      bits_of(stream, corner)[2],
      bits_of(stream,
              {.plane = ~0u, .channel_first = ~0u, .row_first = ~0u, .column_first = ~0u})[0]);
}

TEST(StreamTest, AnEmptyRegionIsNoError) {
  EXPECT_TRUE(stream_of("0", "init", 0).bits({.rows = 0}, {}));
}

TEST(StreamTest, RefusesBadNamesSizesAndCoordinates) {
  const Seed seed;
  EXPECT_THAT(Stream::open(seed, "", 0).error().message, HasSubstr("0 characters"));
  EXPECT_THAT(Stream::open(seed, std::string(65, 'a'), 0).error().message, HasSubstr("65"));
  EXPECT_THAT(Stream::open(seed, "na\xc3\xafve", 0).error().message, HasSubstr("0xc3"));
  const Stream stream = stream_of("0", "init", 0);
  std::vector<float> out(5);
  EXPECT_THAT(stream.normal(kFour, out).error().message, HasSubstr("wanted 4"));
  EXPECT_THAT(stream.normal({.column_first = ~0u, .columns = 5}, out).error().message,
              HasSubstr("passes 2^32"));
  EXPECT_THAT(
      stream.normal({.channels = 1u << 31, .rows = 1u << 31, .columns = 4}, out).error().message,
      HasSubstr("at most"));
}

}  // namespace
}  // namespace calx::noise
