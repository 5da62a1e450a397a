// Goal: the shift between the emulated world and the wire is exact, and each firmware's rule for
// low difficulties is kept in it.
// Method: vector tests of the stated relation; every kind of the table of models can be played.
#include "calx/emulate/emulated_device.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "calx/device/model.h"

namespace calx::emulate {
namespace {

TEST(EmulatedDeviceTest, AnLv06AskedForTwoToTheMinusTwelveWorksAtItsMask) {
  const EmulatedDevice lv06 = find_emulated_device("lv06").value();
  EXPECT_EQ(lv06.emulated_difficulty(0x1p-12), 256);
  EXPECT_EQ(lv06.effective_difficulty(256), 256);
  // The pool's target is the harder one by 2^-16 of it: 0xFFFF, not 0x10000.
  EXPECT_EQ(lv06.target(256).value(), work::Target::from_difficulty(0x1p-12).value());
  EXPECT_NEAR(lv06.target(256)->expected_hashes(), 0x1p20, 0x1p5);
}

TEST(EmulatedDeviceTest, BelowItsMaskItStillReturnsTheMaskOnly) {
  const EmulatedDevice lv06 = find_emulated_device("lv06").value();
  EXPECT_EQ(lv06.emulated_difficulty(0x1p-21), 0) << "valueint";
  EXPECT_EQ(lv06.effective_difficulty(0), 256);
  EXPECT_EQ(lv06.target(0).value(), work::Target::from_work_bits(20).value());
  const EmulatedDevice gamma = find_emulated_device("bitaxe-gamma").value();
  EXPECT_EQ(gamma.emulated_difficulty(0x1p-21), 0.5);
  EXPECT_EQ(gamma.target(0.5).value(), work::Target::from_work_bits(20).value());
}

TEST(EmulatedDeviceTest, CgminerSubmitsNothingBelowOne) {
  const EmulatedDevice s9 = find_emulated_device("s9").value();
  EXPECT_EQ(s9.effective_difficulty(s9.emulated_difficulty(0x1p-21)), 0);
  EXPECT_FALSE(s9.target(0.5));
  EXPECT_EQ(s9.effective_difficulty(1), 64);
  EXPECT_EQ(find_emulated_device("s3")->effective_difficulty(1), 1);
}

TEST(EmulatedDeviceTest, SoftwareMinersAreNotShifted) {
  const EmulatedDevice nerd = find_emulated_device("nerdminer").value();
  EXPECT_EQ(nerd.base_bits, kRealBaseBits);
  EXPECT_EQ(nerd.emulated_difficulty(0x1p-20), 0x1p-20);
  EXPECT_EQ(nerd.target(0x1p-20).value(), work::Target::from_difficulty(0x1p-20).value());
}

TEST(EmulatedDeviceTest, EveryModelCanBePlayed) {
  const auto kinds = emulated_kinds();
  for (const auto& model : device::device_models()) {
    EXPECT_NE(std::find(kinds.begin(), kinds.end(), model.kind), kinds.end()) << model.kind;
  }
  for (const auto kind : kinds) EXPECT_TRUE(find_emulated_device(kind)) << kind;
  EXPECT_FALSE(find_emulated_device("lv6"));
  EXPECT_FALSE(find_emulated_device("lv06", 0));
  EXPECT_FALSE(find_emulated_device("lv06", 33));
}

}  // namespace
}  // namespace calx::emulate
