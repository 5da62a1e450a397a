// Goal: every form of the command line's seed is read to one seed, and a bad one names its fault.
// Method: vectors, the round trip as a law, and one fault for each refusal.
#include "calx/noise/seed.h"

#include <gmock/gmock.h>

#include <string>

#include "calx/base/hex.h"

namespace calx::noise {
namespace {

using testing::HasSubstr;

constexpr const char* kBytesForm =
    "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

TEST(SeedTest, ReadsTheThreeForms) {
  EXPECT_EQ(Seed::parse(kBytesForm)->type(), SeedType::kBytes);
  EXPECT_EQ(to_hex(Seed::parse(kBytesForm)->bytes()), std::string(kBytesForm).substr(2));
  EXPECT_EQ(Seed::parse("42")->type(), SeedType::kInteger);
  EXPECT_EQ(to_hex(Seed::parse("42")->bytes()), "000000000000002a");
  EXPECT_EQ(to_hex(Seed::parse("-2")->bytes()), "fffffffffffffffe");
  EXPECT_EQ(to_hex(Seed::parse("18446744073709551615")->bytes()), "ffffffffffffffff");
  EXPECT_EQ(to_hex(Seed::parse("-9223372036854775808")->bytes()), "8000000000000000");
  EXPECT_EQ(Seed::parse("hello")->type(), SeedType::kText);
  EXPECT_EQ(to_hex(Seed::parse("hello")->bytes()), "68656c6c6f");
  EXPECT_EQ(Seed().bytes().size(), 8u);
}

TEST(SeedTest, TheTextSevenIsNotTheIntegerSeven) {
  EXPECT_NE(*Seed::parse("7"), *Seed::parse("text:7"));
  EXPECT_EQ(*Seed::parse("text:7"), *Seed::from_text("7"));
  EXPECT_EQ(*Seed::parse("-"), *Seed::from_text("-"));
  EXPECT_EQ(*Seed::parse("1.5"), *Seed::from_text("1.5"));
}

TEST(SeedTest, ItsTextFormReadsBackToTheSameSeed) {
  for (const char* form : {kBytesForm, "0", "42", "18446744073709551615", "-1", "hello", "text:42",
                           "text:0xab", "text:text:", "text:-5", "na\xc3\xafve \xf0\x9f\x8c\xb1"}) {
    const auto seed = Seed::parse(form);
    ASSERT_TRUE(seed) << form;
    EXPECT_EQ(*Seed::parse(seed->to_string()), *seed) << form;
  }
}

TEST(SeedTest, NamesWhatIsWrong) {
  EXPECT_THAT(Seed::parse("").error().message, HasSubstr("empty"));
  EXPECT_THAT(Seed::parse("text:").error().message, HasSubstr("empty"));
  EXPECT_THAT(Seed::parse("0x12").error().message, HasSubstr("wanted 64"));
  EXPECT_THAT(Seed::parse("0x" + std::string(64, 'g')).error().message, HasSubstr("position 0"));
  EXPECT_THAT(Seed::parse("18446744073709551616").error().message, HasSubstr("out of range"));
  EXPECT_THAT(Seed::parse("-9223372036854775809").error().message, HasSubstr("out of range"));
  EXPECT_THAT(Seed::from_text(std::string(kSeedTextBytesMax + 1, 'a')).error().message,
              HasSubstr("4097 bytes"));
}

TEST(SeedTest, RefusesTextThatIsNotUtf8) {
  for (const char* bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xe2\x82",
                          "\x80", "\xe0\x80\x80", "\xc3("}) {
    EXPECT_FALSE(Seed::from_text(bad)) << bad;
  }
}

}  // namespace
}  // namespace calx::noise
