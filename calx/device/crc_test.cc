// Goal: check sums that real hardware accepts.
// Method: vectors: the check values of the two published CRCs; every literal frame of a BM13xx chip
// that is known, commands by recomputing and replies by their residue.
#include "calx/device/crc.h"

#include <gtest/gtest.h>

#include <string_view>

#include "calx/base/hex.h"

namespace calx::device {
namespace {

constexpr std::uint8_t kCheck[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};

TEST(CrcTest, The16BitSumsGiveTheirPublishedCheckValues) {
  EXPECT_EQ(crc16_ccitt_false(kCheck), 0x29b1);
  EXPECT_EQ(crc16_modbus(kCheck), 0x4b37);
}

// hardware.md 5.2 in the project's reference; command bytes without preamble, sum last.
constexpr std::string_view kCommands[] = {
    "520500000a",         "5205008c1d",         "5205004c14",         "5305000003",
    "400500001c",         "4005080007",         "51090014000000001c", "51090014000000f01e",
    "51090014000000ff08", "51090014000080ff04", "510900a80007000003", "510900a49000ffff1c",
    "51090018ff0fc10000", "51090018f000c10004", "5109003c800085400c", "5109003c8000802019",
    "5109003c8000800c11", "5109003c80008dee1b", "51090054000000031d", "510900540000000218",
    "510900580211111106", "510900281130020003", "510900b9000044800d", "4109002c007c000303",
};

constexpr std::string_view kReplies[] = {
    "136600000000000005", "13680000000000000f", "137000000000000010",
    "0000c100001802",     "1800a640029922f991", "6db88ee10104035494",
    "0735cdcf025e002e96", "460332e700c32c8399", "4c0352750cd205a29c",
};

TEST(CrcTest, EveryLiteralCommandCarriesItsSum) {
  for (const std::string_view text : kCommands) {
    const auto bytes = from_hex(text);
    ASSERT_TRUE(bytes) << text;
    EXPECT_EQ(crc5(std::span(*bytes).first(bytes->size() - 1)), bytes->back()) << text;
  }
}

TEST(CrcTest, EveryLiteralReplyLeavesNoResidueAndEveryFlippedBitDoes) {
  for (const std::string_view text : kReplies) {
    auto bytes = *from_hex(text);
    EXPECT_EQ(crc5(bytes), 0) << text;
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1u << bit % 8);
      EXPECT_NE(crc5(bytes), 0) << text << " bit " << bit;
      bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ 1u << bit % 8);
    }
  }
}

TEST(CrcTest, TheResidueRuleDoesNotHoldForCommands) { EXPECT_NE(crc5(*from_hex("5205008c1d")), 0); }

}  // namespace
}  // namespace calx::device
