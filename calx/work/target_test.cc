// Goal: a target is the exact number that the definition gives, and a hash is read little-endian.
// Method: vectors (Bitcoin's difficulty 1, the worked example, powers of two), laws (rounding down,
// doubles against exact rationals, comparison against integers), faults.
#include "calx/work/target.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

namespace calx::work {
namespace {

TEST(TargetTest, DifficultyOneIsTheKnownNumber) {
  const auto target = Target::from_difficulty(1, 1);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->to_string(), "00000000ffff" + std::string(52, '0'));
  EXPECT_EQ(target->expected_hashes_text(), "4,295,032,833");  // 2^256 / (0xFFFF * 2^208 + 1)
}

TEST(TargetTest, TheWorkedExampleHasTheTargetOfTwoToTheMinusTen) {
  const std::string want = "000003fffc" + std::string(54, '0');
  EXPECT_EQ(Target::from_difficulty(0.0009765625)->to_string(), want);
  EXPECT_EQ(Target::from_difficulty(1, 1024)->to_string(), want);
}

// floor(0xFFFF * 2^208 / D) by Python's integers.
TEST(TargetTest, DivisionsThatDoNotEndAreRoundedDown) {
  EXPECT_EQ(Target::from_difficulty(3, 1)->to_string(),
            "0000000055550000000000000000000000000000000000000000000000000000");
  EXPECT_EQ(Target::from_difficulty(7, 1)->to_string(),
            "0000000024922492492492492492492492492492492492492492492492492492");
  EXPECT_EQ(Target::from_difficulty(1, 1000)->to_string(),
            "000003e7fc180000000000000000000000000000000000000000000000000000");
}

TEST(TargetTest, ADoubleIsTheFractionThatItsBitsSay) {
  EXPECT_EQ(*Target::from_difficulty(512.0), *Target::from_difficulty(512, 1));
  EXPECT_EQ(*Target::from_difficulty(0.75), *Target::from_difficulty(3, 4));
  EXPECT_NE(*Target::from_difficulty(0.001), *Target::from_difficulty(1, 1000));
  // 0.001 = 1152921504606847 / 2^60 exactly.
  EXPECT_EQ(*Target::from_difficulty(0.001),
            *Target::from_difficulty(1152921504606847u, 1ull << 60));
}

TEST(TargetTest, DifficultiesBelowTheScaleAreMetByEveryHash) {
  EXPECT_EQ(*Target::from_difficulty(1e-30), Target());
  EXPECT_EQ(*Target::from_difficulty(std::numeric_limits<double>::denorm_min()), Target());
  EXPECT_EQ(*Target::from_difficulty(1, ~0ull), Target());
  EXPECT_EQ(Target::from_difficulty(std::numeric_limits<double>::max())->to_string(),
            std::string(64, '0'));
  hash::Digest highest;
  highest.fill(0xff);
  EXPECT_TRUE(Target().met_by(highest));
}

TEST(TargetTest, WorkBitsAreLeadingZeroBits) {
  EXPECT_EQ(*Target::from_work_bits(0), Target());
  EXPECT_EQ(Target::from_work_bits(20)->to_string(), "00000" + std::string(59, 'f'));
  EXPECT_EQ(Target::from_work_bits(64)->to_string(), std::string(16, '0') + std::string(48, 'f'));
  EXPECT_EQ(Target::from_work_bits(20)->expected_hashes_text(), "1,048,576");
  for (std::uint32_t bits = 0; bits <= kWorkBitsMax; ++bits) {
    EXPECT_DOUBLE_EQ(Target::from_work_bits(bits)->expected_hashes(), std::ldexp(1.0, int(bits)));
  }
}

TEST(TargetTest, TheTextSurvivesTheRoundTrip) {
  const auto target = Target::from_difficulty(1234567, 89);
  EXPECT_EQ(Target::parse(target->to_string()).value(), *target);
}

TEST(TargetTest, AHashIsComparedAsALittleEndianInteger) {
  std::mt19937 random(7);
  const Target target = *Target::from_work_bits(9);
  for (int round = 0; round < 10'000; ++round) {
    hash::Digest hash;
    for (auto& byte : hash) byte = static_cast<std::uint8_t>(random());
    hash[31] = static_cast<std::uint8_t>(random() % 2);
    hash[30] = static_cast<std::uint8_t>(random() % 2 == 0 ? 0x7f : 0x80);
    // 2^247 - 1: the top byte is 0 and the next below 0x80.
    EXPECT_EQ(target.met_by(hash), hash[31] == 0 && hash[30] < 0x80);
  }
  hash::Digest equal;
  for (std::size_t i = 0; i < 32; ++i) equal[i] = target.bytes()[31 - i];
  EXPECT_TRUE(target.met_by(equal)) << "equal to the target is met";
}

TEST(TargetTest, NumbersThatAreNoDifficultyAreRefused) {
  for (const double bad : {0.0, -1.0, std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(Target::from_difficulty(bad).error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(Target::from_difficulty(0, 1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Target::from_difficulty(1, 0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(Target::from_work_bits(65).error().message, testing::HasSubstr("0 to 64"));
  EXPECT_EQ(Target::parse("00").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::work
