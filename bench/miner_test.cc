// Goal: a miner's own figure is read with its unit, and garbage is never a rate.
// Method: vector tests on lines as minerd and cpuminer-opt print them; fault tests.
#include "bench/miner.h"

#include <gtest/gtest.h>

namespace calx::bench {
namespace {

TEST(MinerTest, ReadsTheLastTotalOfMinerd) {
  const auto rate = parse_hash_rate(
      "[2026-11-21 12:13:37] Total: 5575 khash/s\n"
      "[2026-11-21 12:13:38] thread 0: 5574936 hashes, 5700 khash/s\n"
      "[2026-11-21 12:13:38] Total: 5719 khash/s\n");
  ASSERT_TRUE(rate);
  EXPECT_DOUBLE_EQ(*rate, 5.719e6);
}

TEST(MinerTest, PrefersTheBenchmarkLineOfCpuminerOpt) {
  const auto rate = parse_hash_rate(
      "[12:16:48] Benchmark: 18.35 MH/s\x1b[0m\n[12:16:48] Total: 18.24 MH/s, Temp: 0C\n");
  ASSERT_TRUE(rate);
  EXPECT_DOUBLE_EQ(*rate, 18.35e6);
}

TEST(MinerTest, RefusesOutputWithoutARate) {
  EXPECT_FALSE(parse_hash_rate(""));
  EXPECT_FALSE(parse_hash_rate("Total: many MH/s"));
  EXPECT_FALSE(parse_hash_rate("Total: 12 apples"));
  EXPECT_FALSE(parse_hash_rate("Total: 12"));
}

TEST(MinerTest, AProgramThatIsNotThereFailsTheCase) {
  const Case work = miner_case("minerd", "/nowhere/minerd", 1);
  const auto spent = work.rival.run(1, 1);
  ASSERT_FALSE(spent);
  EXPECT_EQ(spent.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace calx::bench
