// Goal: register values that chips take.
// Method: vectors: the ticket masks and frames that are known; law: dividers within the limits of
// every kind, nearest of all there are; the init tables as literal frames.
#include "calx/device/bm13xx_register.h"

#include <gtest/gtest.h>

#include <cmath>

#include "calx/base/hex.h"
#include "calx/device/bm13xx_init.h"

namespace calx::device {
namespace {

TEST(Bm13xxRegisterTest, TicketMasksAreThoseOfTheTable) {
  const std::pair<unsigned, std::string_view> rows[] = {
      {0, "00000000"}, {1, "00000080"},  {4, "000000f0"},  {6, "000000fc"}, {8, "000000ff"},
      {9, "000080ff"}, {10, "0000c0ff"}, {13, "0000f8ff"}, {16, "0000ffff"}};
  for (const auto& [bits, bytes] : rows) {
    EXPECT_EQ(to_hex(ticket_mask(bits)), bytes);
    EXPECT_EQ(ticket_mask_bits(ticket_mask(bits)), bits);
  }
  EXPECT_EQ(ticket_mask_bits({0, 0, 0, 0x40}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(to_hex(write_all(kTicketMaskRegister, ticket_mask(9))), "55aa51090014000080ff04");
}

TEST(Bm13xxRegisterTest, TheFullVersionMaskIsTheLiteralFrame) {
  EXPECT_EQ(to_hex(write_all(kVersionMaskRegister, version_mask(0x1fffe000))),
            "55aa510900a49000ffff1c");
  EXPECT_EQ(to_hex(version_mask(0)), "90000000");
}

TEST(Bm13xxRegisterTest, DividersAreTheNearestThereAre) {
  for (const Bm13xxKind& kind : bm13xx_kinds()) {
    for (double mhz = kRampFirstMhz; mhz <= kind.mhz_max; mhz += kRampStepMhz) {
      const Pll pll = find_pll(kind, mhz);
      double nearest = HUGE_VAL;
      for (unsigned fb = kind.pll_fb_min; fb <= kind.pll_fb_max; ++fb) {
        for (unsigned ref = 1; ref <= 2; ++ref) {
          for (unsigned a = 2; a <= 7; ++a) {
            for (unsigned b = 1; b < a; ++b) {
              nearest = std::min(nearest, std::abs(25.0 * fb / (ref * a * b) - mhz));
            }
          }
        }
      }
      EXPECT_NEAR(std::abs(pll.mhz() - mhz), nearest, 1e-9) << kind.name << " " << mhz;
      const auto again = decode_pll(kind, encode_pll(kind, pll));
      ASSERT_TRUE(again) << again.error().message;
      EXPECT_EQ(again->mhz(), pll.mhz());
    }
  }
  const Bm13xxKind& gamma = kind_of(Bm13xx::kBm1370);
  EXPECT_EQ(to_hex(encode_pll(gamma, find_pll(gamma, 525))), "40a80230") << "168 / 2 / 4 / 1";
}

TEST(Bm13xxRegisterTest, FrequenciesAndVoltagesStayInTheirLimits) {
  const Bm13xxKind& kind = kind_of(Bm13xx::kBm1366);
  EXPECT_EQ(clamp_mhz(kind, 5000), 575);
  EXPECT_EQ(clamp_mhz(kind, 1), 400);
  EXPECT_EQ(clamp_mv(kind, 65535), 1300);
  EXPECT_EQ(clamp_mv(kind, 0), 1100);
}

TEST(Bm13xxRegisterTest, TheSpeedOfABm1397StandsInItsDivider) {
  EXPECT_EQ(misc_control_baud({0, 0, 0x7a, 0x31}), 115740u);
  EXPECT_EQ(misc_control_baud({0, 0, 0x60, 0x31}), 3125000u);
}

// Every write of the tables whose whole frame is known from a capture or a source.
TEST(Bm13xxRegisterTest, TheInitTablesWriteTheKnownFrames) {
  const std::pair<Bm13xx, std::vector<std::string_view>> rows[] = {
      {Bm13xx::kBm1366,
       {"a80007000003", "18ff0fc10000", "3c800085400c", "3c8000802019", "54000000031d",
        "580211111106", "281130020003"}},
      {Bm13xx::kBm1370,
       {"a80007000003", "18f000c10004", "3c8000800c11", "b9000044800d", "540000000218",
        "b9000044800d", "3c80008dee1b", "281130020003"}}};
  for (const auto& [chip, frames] : rows) {
    std::size_t at = 0;
    for (const InitStep& step : init_steps(chip)) {
      if (step.what != InitDo::kWrite || at == frames.size()) continue;
      if (to_hex(write_all(step.reg, step.value)) == "55aa510900" + std::string(frames[at])) ++at;
    }
    EXPECT_EQ(at, frames.size()) << kind_of(chip).name;
  }
}

}  // namespace
}  // namespace calx::device
