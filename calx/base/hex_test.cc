// Goal: bytes survive the way to text and back, and bad text is named.
// Method: vector and fault tests.
#include "calx/base/hex.h"

#include <gmock/gmock.h>

#include <array>

namespace calx {
namespace {

TEST(HexTest, WritesTwoLowerCaseDigitsAByte) {
  const std::vector<std::uint8_t> bytes = {0x00, 0x0f, 0xa5, 0xff};
  EXPECT_EQ(to_hex(bytes), "000fa5ff");
}

TEST(HexTest, ReadsEitherCase) {
  const auto bytes = from_hex("000FA5fF");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(to_hex(*bytes), "000fa5ff");
}

TEST(HexTest, NamesTheBadDigitAndTheWrongLength) {
  EXPECT_THAT(from_hex("00zz").error().message, testing::HasSubstr("position 2"));
  EXPECT_THAT(from_hex("123").error().message, testing::HasSubstr("3 digits"));
  std::array<std::uint8_t, 2> two{};
  EXPECT_THAT(from_hex("00", two).error().message, testing::HasSubstr("wanted 4"));
}

}  // namespace
}  // namespace calx
