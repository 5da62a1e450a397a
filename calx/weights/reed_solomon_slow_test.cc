// Goal: no two wrong bytes of a 32-byte word pass for one wrong byte, or for none.
// Method: every pair of places with every pair of errors; the code is linear, so one word stands
// for all.
#include "calx/weights/reed_solomon.h"

#include <gmock/gmock.h>

namespace calx::weights {
namespace {

TEST(ReedSolomonTest, NoticesAllTwoWrongBytes) {
  std::size_t tried = 0, noticed = 0;
  for (std::size_t i = 0; i < kWordBytes; ++i) {
    for (std::size_t j = i + 1; j < kWordBytes; ++j) {
      for (unsigned e = 1; e < 256; ++e) {
        for (unsigned f = 1; f < 256; ++f) {
          Word wrong{};
          wrong[i] = static_cast<std::uint8_t>(e);
          wrong[j] = static_cast<std::uint8_t>(f);
          ++tried;
          noticed += !mend(wrong);
        }
      }
    }
  }
  EXPECT_EQ(tried, 496u * 255 * 255);
  EXPECT_EQ(noticed, tried);
}

}  // namespace
}  // namespace calx::weights
