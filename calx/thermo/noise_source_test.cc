// Goal: a word of noise is a function of its address and nothing else.
// Method: vectors of the two standards behind the counter sources; parity of a block with the same
// words asked for one by one; faults.
#include "calx/thermo/noise_source.h"

#include <gmock/gmock.h>

#include <vector>

#include "calx/noise/compat/nv_philox.h"
#include "calx/noise/normal_transform.h"
#include "calx/noise/stream.h"

namespace calx::thermo {
namespace {

using testing::HasSubstr;

std::vector<std::uint32_t> words_of(const NoiseSource& source, const NoiseBlock& block) {
  std::vector<std::uint32_t> out(std::size_t{block.chains} * block.units);
  source.words(block, out);
  return out;
}

const noise::Seed kSeed = noise::Seed::from_integer(std::int64_t{4});

std::vector<std::shared_ptr<const NoiseSource>> counters() {
  return {stream_noise(kSeed), philox_noise(kSeed)};
}

TEST(NoiseSourceTest, ReadsTheElementsOfStreamThermo) {
  const auto stream = noise::Stream::open(kSeed, "thermo", 0).value();
  std::vector<std::uint32_t> wanted(2 * 24);
  ASSERT_TRUE(stream.bits({.plane = 1,
                           .channel_first = 77,
                           .row_first = 5,
                           .rows = 2,
                           .column_first = 8,
                           .columns = 24},
                          wanted));
  EXPECT_EQ(words_of(*stream_noise(kSeed), {.step = 77,
                                            .draw = Draw::kAcceptance,
                                            .chain_first = 5,
                                            .chains = 2,
                                            .unit_first = 8,
                                            .units = 24}),
            wanted);
}

TEST(NoiseSourceTest, ReadsPhiloxByItsCounter) {
  const auto key = noise::Stream::open(kSeed, "thermo/philox", 0).value().key();
  const auto four = noise::compat::philox4x32({3, 9, 1000, 0}, {key[0], key[1]});
  EXPECT_EQ(words_of(*philox_noise(kSeed),
                     {.step = 1000, .chain_first = 9, .unit_first = 12, .units = 4}),
            std::vector<std::uint32_t>(four.begin(), four.end()));
}

TEST(NoiseSourceTest, GivesEveryWordByItsAddressAlone) {
  for (const auto& source : counters()) {
    const NoiseBlock box{.step = 3, .chain_first = 2, .chains = 5, .unit_first = 3, .units = 37};
    const auto whole = words_of(*source, box);
    for (std::uint32_t c = 0; c < box.chains; ++c) {
      for (std::uint32_t u = 0; u < box.units; ++u) {
        const auto one =
            words_of(*source, {.step = 3, .chain_first = 2 + c, .unit_first = 3 + u, .units = 1});
        ASSERT_EQ(whole[c * box.units + u], one[0]) << source->name() << " " << c << " " << u;
      }
    }
  }
}

TEST(NoiseSourceTest, GivesOtherWordsAtEveryOtherAddress) {
  for (const auto& source : counters()) {
    const NoiseBlock here{.step = 1, .units = 8};
    NoiseBlock step = here, chain = here, unit = here, draw = here;
    step.step = 2;
    chain.chain_first = 1;
    unit.unit_first = 8;
    draw.draw = Draw::kStart;
    for (const NoiseBlock& other : {step, chain, unit, draw}) {
      EXPECT_NE(words_of(*source, here), words_of(*source, other)) << source->name();
    }
  }
}

TEST(NoiseSourceTest, MakesNormalValuesOfTheWords) {
  const auto source = philox_noise(kSeed);
  const NoiseBlock block{.step = 1, .chains = 3, .units = 50};
  std::vector<std::uint32_t> words(150);
  std::vector<float> values(150);
  normals(*source, block, words, values);
  EXPECT_EQ(words, words_of(*source, block));
  for (std::size_t i = 0; i < 150; ++i) EXPECT_EQ(values[i], noise::normal_value(words[i]));
}

TEST(NoiseSourceTest, RefusesAddressesPast32Bits) {
  for (const auto& source : counters()) {
    EXPECT_TRUE(source->check({.steps = kNoiseStepsMax, .chains = 1, .units = 1}));
    const auto refused = source->check({.steps = kNoiseStepsMax + 1, .chains = 1, .units = 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kResourceExhausted);
    EXPECT_THAT(refused.error().message, HasSubstr("2^32"));
    EXPECT_EQ(source->origin(), Origin::kSoftware);
    EXPECT_EQ(source->bits(), 32u);
    EXPECT_EQ(source->sha256d_calls(), 0u);
  }
}

}  // namespace
}  // namespace calx::thermo
