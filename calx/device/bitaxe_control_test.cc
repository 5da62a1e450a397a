// Goal: the control port's packets as its firmware defines them.
// Method: vectors written out from the protocol's text; faults: cut, overlong and failed replies.
#include "calx/device/bitaxe_control.h"

#include <gmock/gmock.h>

#include "calx/base/hex.h"

namespace calx::device {
namespace {

TEST(BitaxeControlTest, ResetIsPinZeroSetLow) {
  EXPECT_EQ(to_hex(encode(bitaxe_pin(0x2a, kBitaxeResetPin, false))), "07002a00060000");
  EXPECT_EQ(to_hex(encode(bitaxe_pin(1, 0, true))), "07000100060001");
  EXPECT_EQ(to_hex(encode(bitaxe_pin(1, 3, std::nullopt))), "060001000603");
}

TEST(BitaxeControlTest, RepliesCountTheirDataAlone) {
  const auto reply = parse_bitaxe_reply(*from_hex("01002a01"));
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->id, 0x2a);
  EXPECT_EQ(reply->data, (std::vector<std::uint8_t>{1}));
  EXPECT_TRUE(parse_bitaxe_reply(*from_hex("000001"))->data.empty());
  EXPECT_EQ(*bitaxe_reply_length(*from_hex("0400")), 7u);
  EXPECT_FALSE(*bitaxe_reply_length(*from_hex("04")));
}

TEST(BitaxeControlTest, FailuresSayWhatTheFirmwareSaid) {
  const auto timeout = parse_bitaxe_reply(*from_hex("02002aff10"));
  EXPECT_EQ(timeout.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(timeout.error().message, testing::HasSubstr("timeout"));
  EXPECT_THAT(parse_bitaxe_reply(*from_hex("05002affff6e6f21")).error().message,
              testing::HasSubstr("no!"));
  for (const std::string_view cut : {"", "01", "0100", "01002a", "01002a0101", "ffff2a"}) {
    EXPECT_EQ(parse_bitaxe_reply(*from_hex(cut)).error().code, ErrorCode::kDataLoss) << cut;
  }
}

}  // namespace
}  // namespace calx::device
