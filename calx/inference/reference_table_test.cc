// Goal: a figure that misses its reference says so, in its row and as an answer. Method: rows on
// both sides of their tolerance, and a table that is not to be judged.
#include "calx/inference/reference_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace calx::inference {
namespace {

using testing::HasSubstr;

TEST(ReferenceTableTest, NamesTheRowThatMisses) {
  ReferenceTable rows("title", "note", true);
  rows.near("inside", 0.9956, 0.9966, 0.002);
  rows.near("outside", 0.9942, 0.9966, 0.002);
  rows.below("skip", 0.01, 0.05, ".0137");
  rows.below("not below", 0.06, 0.05, ".0137");
  rows.shown("beside", 1, "-.17", "no tolerance");
  const auto table = rows.table();
  ASSERT_EQ(table.rows.size(), 5U);
  EXPECT_EQ(table.rows[0].back(), "yes");
  EXPECT_EQ(table.rows[1].back(), "MISSED");
  EXPECT_EQ(table.rows[3].back(), "MISSED");
  EXPECT_EQ(table.rows[4].back(), "not judged");
  const auto answers = rows.answers();
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0].verdict, Verdict::kMissed);
  EXPECT_THAT(answers[0].sentence, HasSubstr("2 of 4"));
  EXPECT_THAT(answers[1].sentence, HasSubstr("outside: 0.9942 here, 0.9966"));
}

TEST(ReferenceTableTest, HoldsWhenEveryJudgedRowDoes) {
  ReferenceTable rows("title", "", true);
  rows.near("inside", 1, 1, 0);
  EXPECT_EQ(rows.answers().at(0).verdict, Verdict::kHolds);
}

TEST(ReferenceTableTest, ANumberThatIsNoneMisses) {
  ReferenceTable rows("title", "", true);
  rows.near("nan", std::numeric_limits<double>::quiet_NaN(), 1, 1);
  rows.below("nan too", std::numeric_limits<double>::quiet_NaN(), 1, "");
  EXPECT_EQ(rows.answers().size(), 3U);
}

TEST(ReferenceTableTest, JudgesNothingInAnotherSetUp) {
  ReferenceTable rows("title", "", false);
  rows.near("outside", 5, 1, 0.1);
  EXPECT_EQ(rows.table().rows[0].back(), "not judged");
  ASSERT_EQ(rows.answers().size(), 1U);
  EXPECT_EQ(rows.answers()[0].verdict, Verdict::kNotJudged);
}

}  // namespace
}  // namespace calx::inference
