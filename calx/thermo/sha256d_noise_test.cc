// Goal: thermal noise of nothing but double SHA-256, draw by draw as seed 003's reference has it,
// with every hash counted; a recorded log gives what it holds, once, and keeps its origin.
// Method: vectors (the reference's digests and draws); parity of a log with the source it was
// recorded from; faults.
#include "calx/thermo/sha256d_noise.h"

#include <gmock/gmock.h>

#include <vector>

#include "calx/hash/software_engine.h"

namespace calx::thermo {
namespace {

using testing::HasSubstr;

std::vector<std::uint32_t> draws_of(const NoiseSource& source, const NoiseBlock& block) {
  std::vector<std::uint32_t> out(std::size_t{block.chains} * block.units);
  source.words(block, out);
  for (std::uint32_t& word : out) {
    EXPECT_EQ(word & 0xffffu, 0u);
    word >>= 16;
  }
  return out;
}

TEST(Sha256dNoiseTest, GivesTheDrawsOfTheReference) {
  const auto source = sha256d_noise("seed003", 1, 16).value();
  EXPECT_EQ(draws_of(*source, {.step = 0, .units = 16}),
            (std::vector<std::uint32_t>{21759, 23622, 55364, 38807, 51446, 27487, 19081, 1874,
                                        52303, 34128, 58536, 41335, 65315, 15755, 40682, 53111}));
  // i1_digest begins f77d 7f48
  EXPECT_EQ(draws_of(*source, {.step = 1, .units = 2}),
            (std::vector<std::uint32_t>{0x7df7, 0x487f}));
  EXPECT_EQ(source->bits(), 16u);
  EXPECT_EQ(source->origin(), Origin::kSoftware);
  EXPECT_EQ(source->sha256d_calls(), 2u);
}

TEST(Sha256dNoiseTest, StartsEachStepOnAFreshDigestAndRunsOn) {
  const auto box = sha256d_noise("seed003", 3, 10).value();  // 30 draws: 2 digests a step
  const auto line = sha256d_noise("seed003", 1, 64).value();
  const auto flat = draws_of(*line, {.step = 0, .units = 64});
  const auto second = draws_of(*box, {.step = 1, .chains = 3, .units = 10});
  EXPECT_EQ(second, std::vector<std::uint32_t>(flat.begin() + 32, flat.begin() + 62));
  const auto middle = draws_of(*box, {.step = 1, .chain_first = 1, .unit_first = 4, .units = 5});
  EXPECT_EQ(middle, std::vector<std::uint32_t>(second.begin() + 14, second.begin() + 19));
}

TEST(Sha256dNoiseTest, CountsItsHashes) {
  const auto source = sha256d_noise("seed003", 20, 256).value();
  for (std::uint64_t step = 0; step < 3; ++step) {
    draws_of(*source, {.step = step, .chains = 20, .units = 256});
  }
  EXPECT_EQ(source->sha256d_calls(), 3u * 20 * 256 / 16);
}

TEST(Sha256dNoiseTest, RecordsTheSameFromAnEngine) {
  hash::SoftwareDigestEngine engine;
  const auto log = record_sha256d(engine, "seed003", 5 * 40);
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_EQ(log->origin, Origin::kSoftware);
  const auto replay = log_noise(*log, 4, 160).value();
  const auto source = sha256d_noise("seed003", 4, 160).value();
  for (std::uint64_t step = 0; step < 5; ++step) {
    const NoiseBlock block{.step = step, .chains = 4, .units = 160};
    EXPECT_EQ(draws_of(*replay, block), draws_of(*source, block));
  }
  EXPECT_TRUE(replay->check({.steps = 5, .chains = 4, .units = 160, .normal = false}));
  const auto past = replay->check({.steps = 6, .chains = 4, .units = 160, .normal = false});
  ASSERT_FALSE(past);
  EXPECT_EQ(past.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(past.error().message, HasSubstr("last for 5 steps, wanted 6"));
}

TEST(Sha256dNoiseTest, KeepsTheOriginOfALog) {
  for (const Origin origin : {Origin::kModelled, Origin::kEmulated, Origin::kDevice}) {
    const auto source = log_noise({std::vector<std::uint8_t>(64), origin}, 1, 16).value();
    EXPECT_EQ(source->origin(), origin);
  }
}

TEST(Sha256dNoiseTest, RefusesWhatItCannotServe) {
  const auto source = sha256d_noise("seed003", 4, 16).value();
  EXPECT_THAT(source->check({.steps = 1, .chains = 4, .units = 16}).error().message,
              HasSubstr("wanted 32 for normal values"));
  EXPECT_THAT(
      source->check({.steps = 1, .chains = 5, .units = 16, .normal = false}).error().message,
      HasSubstr("made for 4 chains of 16 units"));
  EXPECT_FALSE(source->check({.steps = 1, .chains = 4, .units = 8, .normal = false}));
  EXPECT_FALSE(sha256d_noise(std::string(65, 'a'), 1, 1));
  EXPECT_FALSE(sha256d_noise("", 0, 1));
  EXPECT_THAT(log_noise({std::vector<std::uint8_t>(31)}, 1, 1).error().message,
              HasSubstr("wanted at least 32 bytes"));
}

}  // namespace
}  // namespace calx::thermo
