// Goal: each configuration of stage C is the one its name says.
// Method: identities that hold for any task: the consistent oracle gives the target back, the
// substrate's mean is the linear map, rank raises agreement, shuffling destroys it.
#include "calx/inference/stage_arms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "calx/inference/example_task.h"
#include "calx/inference/substrate_mean.h"

namespace calx::inference {
namespace {

constexpr std::size_t kRows = 1500, kUnits = 16;

const DecoderTask& task() {
  static const DecoderTask value = example_task(kRows, kUnits);
  return value;
}

ArmSettings settings() {
  return {.rank = 4,
          .low_rank = 2,
          .ranks = {1, 2, 4, 16},
          .counts = {1, 4},
          .interface_steps = 200,
          .interface_batch = 256,
          .threads = 2};
}

std::map<std::string, StageRow> by_key(const ArmBook& book) {
  std::map<std::string, StageRow> rows;
  for (const StageRow& row : book.rows()) rows.emplace(row.key, row);
  return rows;
}

TEST(StageArmsTest, ConsistentOracleGivesTheTargetBack) {
  ArmBook book(task());
  ASSERT_TRUE(book_controls(book));
  const auto done = book_published(book, settings());
  ASSERT_TRUE(done) << done.error().message;
  auto rows = by_key(book);
  EXPECT_NEAR(rows["oracle-consistent"].figures.raw, 1, 1e-6);
  EXPECT_NEAR(rows["oracle-consistent"].figures.r2, 1, 1e-6);
  EXPECT_EQ(rows["digital"].figures.raw, 1);
  EXPECT_NEAR(rows["constant"].figures.centred, 0, 1e-12);
  EXPECT_LT(rows["oracle-published"].figures.raw, rows["oracle-consistent"].figures.raw);
  EXPECT_LT(rows["gram-no-decoder"].figures.r2, 0.5);
}

TEST(StageArmsTest, SubstratesMeanIsTheMapAndRankRaisesAgreement) {
  ArmBook book(task());
  const auto difference = book_couplings(book, settings(), noise::Seed());
  ASSERT_TRUE(difference) << difference.error().message;
  EXPECT_LE(*difference, kFoldedDifferenceMax);
  auto rows = by_key(book);
  EXPECT_NEAR(rows["rrr-4"].figures.raw, rows["rrr-4-folded"].figures.raw, 1e-6);
  EXPECT_EQ(rows["rrr-4"].wires, 4U * 2 * kUnits);
  EXPECT_EQ(rows["both-4"].wires, 4U * 4 * kUnits);
  EXPECT_LT(rows["rrr-1"].figures.r2, rows["rrr-2"].figures.r2);
  EXPECT_LT(rows["rrr-2"].figures.r2, rows["rrr-4"].figures.r2);
  EXPECT_LT(rows["rrr-4"].figures.r2, rows["rrr-16"].figures.r2);
  EXPECT_LT(rows["rrr-4-shuffled"].figures.r2, -0.5);
  EXPECT_LE(rows["cca-4"].figures.r2, rows["rrr-4"].figures.r2 + 0.01);
}

TEST(StageArmsTest, InterfacesCountTheirParametersAndFoldedTwinsHaveNoWires) {
  ArmBook book(task());
  const auto done = book_interfaces(book, settings(), noise::Seed());
  ASSERT_TRUE(done) << done.error().message;
  auto rows = by_key(book);
  EXPECT_EQ(rows["paper"].parameters, 40U * kUnits);
  EXPECT_EQ(rows["paper-biases"].parameters, 40U * kUnits + 4 + 16 + 2 * kUnits);
  EXPECT_EQ(rows["paper-folded"].wires, 0U);
  EXPECT_EQ(rows["paper"].wires, 4U * 2 * kUnits);
  EXPECT_LT(rows["shuffled"].figures.centred, 0.2);
}

TEST(StageArmsTest, SnapshotRowsStateHowTheyWereMade) {
  ArmBook book(task());
  const auto done = book_snapshots(book, settings(), thermo::philox_noise(noise::Seed()));
  ASSERT_TRUE(done) << done.error().message;
  for (const auto& one : *done) {
    EXPECT_TRUE(one.certificate.passed()) << one.name << describe(one.certificate);
  }
  auto rows = by_key(book);
  ASSERT_TRUE(rows["rrr-4-draws-1"].manner && rows["rrr-4-uniform-1"].manner);
  EXPECT_EQ(rows["rrr-4-draws-1"].manner->label, "exact draws");
  EXPECT_EQ(rows["rrr-4-uniform-1"].manner->label, "trajectory");
  EXPECT_EQ(rows["rrr-4-uniform-1"].manner->scheme, "lm");
  EXPECT_LT(rows["rrr-4-draws-1"].figures.raw, rows["rrr-4-draws-4"].figures.raw);
}

TEST(StageArmsTest, MeansHaveTheSameBitsOnAnyNumberOfThreads) {
  const auto carried = carry_rrr(task(), Port::kBoth, 4, 1);
  ASSERT_TRUE(carried);
  const auto one = substrate_mean(carried->substrate, 1, carried->clamps, {}, kRows, 1);
  const auto three = substrate_mean(carried->substrate, 1, carried->clamps, {}, kRows, 3);
  ASSERT_TRUE(one && three);
  EXPECT_EQ(*one, *three);
  EXPECT_FALSE(substrate_mean(carried->substrate, 0, carried->clamps, {}, kRows, 1));
  EXPECT_FALSE(substrate_mean(carried->substrate, 1, carried->clamps, {}, kRows + 1, 1));
}

TEST(StageArmsTest, RanksBeyondTheUnitsAreRefusedInOneSentence) {
  const auto refused = carry_rrr(task(), Port::kSkip, kUnits + 1, 1);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("17"), std::string::npos) << refused.error().message;
}

TEST(StageArmsTest, PermutedRowsAreTheSameRowsElsewhere) {
  const auto rows = example_normals(9, 40);
  const auto moved = permuted(rows, 4, noise::Seed());
  ASSERT_TRUE(moved);
  EXPECT_NE(*moved, rows);
  auto a = rows, b = *moved;
  std::ranges::sort(a);
  std::ranges::sort(b);
  EXPECT_EQ(a, b);
}

}  // namespace
}  // namespace calx::inference
