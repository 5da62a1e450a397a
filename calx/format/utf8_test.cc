// Goal: exactly RFC 3629's text is text.
// Method: every code point there and back, and the known ways of writing one wrongly.
#include "calx/format/utf8.h"

#include <gtest/gtest.h>

namespace calx::format {
namespace {

TEST(Utf8Test, EveryCodePointSurvivesAndNoSurrogateDoes) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    std::string text;
    append_utf8(text, c);
    std::string_view rest = text;
    const auto back = take_code_point(rest);
    if (c >= 0xd800 && c < 0xe000) {
      ASSERT_FALSE(back) << static_cast<unsigned>(c);
    } else {
      ASSERT_EQ(back, c);
      ASSERT_TRUE(rest.empty());
    }
  }
}

TEST(Utf8Test, RefusesOverlongCutAndTooLargeForms) {
  for (const std::string_view bad :
       {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff", "\xe2\x82", "\xe2\x28\xa1"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
  EXPECT_TRUE(is_utf8("a\u00e9\u20ac\U0001f600"));
}

std::u16string utf16_of(char32_t c) {
  if (c < 0x10000) return {static_cast<char16_t>(c)};
  return {static_cast<char16_t>(0xd7c0 + (c >> 10)), static_cast<char16_t>(0xdc00 + (c & 0x3ff))};
}

TEST(Utf8Test, SortsAsUtf16DoesWhateverStandsBefore) {
  // Neighbours that share their first bytes, that have different lengths, and both ends of a range.
  const std::u32string points =
      U"\u0001aAz\u007f\u0080\u00e9\u07ff\u0800\u20ac\u20ad\ud7ff\ue000\ufb33\uffff"
      U"\U00010000\U0001f600\U0001f601\U0010ffff";
  for (const std::string_view before : {"", "a", "\u00e9", "\U0001f600"}) {
    for (const char32_t x : points) {
      for (const char32_t y : points) {
        std::string a(before), b(before);
        append_utf8(a, x);
        append_utf8(b, y);
        EXPECT_EQ(utf16_less(a, b), utf16_of(x) < utf16_of(y)) << a << " and " << b;
        EXPECT_TRUE(utf16_less(before, a));
        EXPECT_FALSE(utf16_less(a, before));
      }
    }
  }
}

TEST(Utf8Test, SortsSupplementaryCharactersAsUtf16Does) {
  // U+1F600 is D83D DE00 in UTF-16, before U+FB33, although its bytes are greater.
  EXPECT_TRUE(utf16_less("\U0001f600", "\ufb33"));
  EXPECT_FALSE(utf16_less("\ufb33", "\U0001f600"));
  EXPECT_TRUE(utf16_less("\ud7ff", "\U0001f600"));
  EXPECT_TRUE(utf16_less("a", "ab"));
  EXPECT_FALSE(utf16_less("ab", "ab"));
}

}  // namespace
}  // namespace calx::format
