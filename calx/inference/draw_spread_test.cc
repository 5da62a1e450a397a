// Goal: the spread over seeds is of as many draws as it says, the first that of the report, and
// repeatable. Method: a tiny network; rows read back; provoked errors.
#include "calx/inference/draw_spread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace calx::inference {
namespace {

DrawSpreadSettings tiny() {
  return {.network = {.channels = 2, .width = 16, .side = 8},
          .seed = noise::Seed::from_integer(std::int64_t{42}),
          .seeds = 2,
          .signs = 3,
          .fit = 16,
          .test = 8,
          .units = 16,
          .rank = 4};
}

TEST(DrawSpreadTest, StatesEveryQuantityOverSeedsAndSigns) {
  const auto spread = draw_spread(tiny(), {}, {}, {});
  ASSERT_TRUE(spread) << spread.error().message;
  ASSERT_EQ(spread->table.rows.size(), 10U);
  for (const auto& row : spread->table.rows) {
    ASSERT_EQ(row.size(), spread->table.columns.size());
    const double least = std::stod(row[3]), greatest = std::stod(row[4]);
    EXPECT_LT(least, greatest) << row[0];
    EXPECT_LE(least, std::stod(row[1])) << row[0];
    EXPECT_LE(std::stod(row[1]), greatest) << row[0];
  }
  EXPECT_EQ(spread->answer.verdict, Verdict::kMissed);  // a tiny network is no draw like these
  EXPECT_EQ(draw_spread(tiny(), {}, {}, {})->table.rows, spread->table.rows);
}

TEST(DrawSpreadTest, JudgesNothingInAnotherSetUp) {
  auto settings = tiny();
  settings.judged = false;
  const auto spread = draw_spread(settings, {}, {}, {});
  ASSERT_TRUE(spread);
  EXPECT_EQ(spread->answer.verdict, Verdict::kNotJudged);
  EXPECT_EQ(spread->table.rows[0].back(), "not judged");
}

TEST(DrawSpreadTest, RefusesASpreadOfOneAndStops) {
  auto one = tiny(), none = tiny();
  one.seeds = 1;
  none.signs = 0;
  EXPECT_EQ(draw_spread(one, {}, {}, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(draw_spread(none, {}, {}, {}).error().code, ErrorCode::kInvalidArgument);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(draw_spread(tiny(), {}, {}, stop.get_token()).error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace calx::inference
