// Goal: a sheet shows every tile once, in reading order, and no size wraps round.
// Method: small images by hand, and each limit.
#include "calx/format/image.h"

#include <gmock/gmock.h>

namespace calx::format {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

Image grey(std::uint32_t width, std::uint32_t height, std::uint8_t value) {
  return {width, height, 1, std::vector<std::uint8_t>(std::size_t{width} * height, value)};
}

TEST(ImageTest, TilesInReadingOrderWithAGapAround) {
  const std::vector<Image> tiles = {grey(2, 1, 1), grey(2, 1, 2), grey(2, 1, 3)};
  const Image sheet = grid(tiles, 2, 1, 9).value();
  EXPECT_EQ(sheet.width, 7u);
  EXPECT_EQ(sheet.height, 5u);
  EXPECT_THAT(sheet.pixels, ElementsAreArray({9, 9, 9, 9, 9, 9, 9,  //
                                              9, 1, 1, 9, 2, 2, 9,  //
                                              9, 9, 9, 9, 9, 9, 9,  //
                                              9, 3, 3, 9, 9, 9, 9,  //
                                              9, 9, 9, 9, 9, 9, 9}));
}

TEST(ImageTest, AFewTilesMakeANarrowSheet) {
  const std::vector<Image> tiles = {{1, 1, 3, {1, 2, 3}}};
  const Image sheet = grid(tiles, 8, 0).value();
  EXPECT_EQ(sheet, tiles[0]);
}

TEST(ImageTest, EnlargesEveryPixelToASquare) {
  const Image image{2, 1, 3, {1, 2, 3, 4, 5, 6}};
  const Image large = enlarge(image, 2).value();
  EXPECT_EQ(large.width, 4u);
  EXPECT_EQ(large.height, 2u);
  const std::vector<std::uint8_t> row = {1, 2, 3, 1, 2, 3, 4, 5, 6, 4, 5, 6};
  EXPECT_EQ(std::vector<std::uint8_t>(large.pixels.begin(), large.pixels.begin() + 12), row);
  EXPECT_EQ(std::vector<std::uint8_t>(large.pixels.begin() + 12, large.pixels.end()), row);
}

TEST(ImageTest, RefusesTilesThatDiffer) {
  const std::vector<Image> tiles = {grey(2, 1, 1), grey(1, 2, 2)};
  EXPECT_THAT(grid(tiles, 2).error().message, HasSubstr("1 x 2 x 1 beside one of 2 x 1 x 1"));
  EXPECT_EQ(grid({}, 2).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(grid(std::span(tiles).first(1), 0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(enlarge(tiles[0], 0).error().code, ErrorCode::kInvalidArgument);
}

TEST(ImageTest, RefusesSizesOverTheLimits) {
  EXPECT_EQ(enlarge(grey(2, 2, 0), 0xffffffff).error().code, ErrorCode::kResourceExhausted);
  const std::vector<Image> tile = {grey(2, 2, 0)};
  EXPECT_EQ(grid(tile, 1, 0xffffffff).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(check(grey(kImageSideMax + 1, 1, 0)).error().code, ErrorCode::kResourceExhausted);
}

TEST(ImageTest, RefusesAnImageThatContradictsItself) {
  EXPECT_THAT(check({0, 1, 1, {}}).error().message, HasSubstr("0 x 1"));
  EXPECT_THAT(check({1, 1, 2, {0, 0}}).error().message, HasSubstr("2 channels"));
  EXPECT_THAT(check({1, 1, 3, {0, 0}}).error().message, HasSubstr("2 bytes, wanted 3"));
}

}  // namespace
}  // namespace calx::format
