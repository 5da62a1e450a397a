// Goal: the values of AUTOMATIC1111's NV generator.
// Method: vector tests. Raw words: the known answers of Random123. Seed 0: published in
// modules/rng_philox.py; the others were computed in double precision.
#include "calx/noise/compat/nv_philox.h"

#include <gmock/gmock.h>

#include <vector>

namespace calx::noise::compat {
namespace {

using testing::ElementsAre;

void expect_call(std::uint64_t seed, std::uint32_t call, const std::vector<double>& wanted) {
  std::vector<float> out(wanted.size());
  NvPhilox(seed, call).randn(out);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out[i], wanted[i], 1e-6) << i;
}

TEST(NvPhiloxTest, GivesTheKnownAnswersOfPhilox) {
  EXPECT_THAT(philox4x32({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(
      philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
  EXPECT_THAT(philox4x32({0, 0, 0, 0}, {0x2a, 0}),
              ElementsAre(0x9ceaf053, 0x77f5493b, 0x12bf50ad, 0x5742b3d7));
}

TEST(NvPhiloxTest, GivesThePublishedNormals) {
  expect_call(0, 0,
              {-0.92466259, -0.42534415, -2.6438457, 0.14518388, -0.12086647, -0.57972564,
               -0.62285122, -0.32838709, -1.07454231, -0.36314407, -1.67105067, 2.26550497});
  expect_call(42, 0,
              {0.19401896, 2.16137393, -0.17205083, 0.84906020, -1.92439919, 0.65298536,
               -0.64944102, -0.81752472, 0.52796464, -1.27534955});
}

TEST(NvPhiloxTest, TheSecondCallAndTheHighHalfOfTheSeedCount) {
  expect_call(42, 1, {0.13913750, -0.10821651, -0.71742228, 0.75664864});
  expect_call(4294967296, 0, {-0.01742496, 0.48645717, 0.78404687, -0.19194366});
  NvPhilox generator(42);
  std::vector<float> out(4);
  generator.randn(out);
  generator.randn(out);
  EXPECT_NEAR(out[0], 0.13913750, 1e-6);
}

}  // namespace
}  // namespace calx::noise::compat
