// Goal: stage A prints every quantity and every control, at any size, the same bits each time.
// Method: the quick set-up end to end; rows counted by name; provoked errors.
#include "calx/inference/stage_a.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace calx::inference {
namespace {

using testing::HasSubstr;

StageASettings tiny() {
  auto settings = quick_stage_a();
  settings.network = {.channels = 4, .width = 16, .side = 8};
  settings.units = 16;
  settings.fit = 32;
  settings.test = 16;
  settings.rank = 4;
  settings.ranks = {2, 4, 16};
  return settings;
}

TEST(StageATest, PrintsEveryRowAndControlUnconditionally) {
  const auto report = stage_a(tiny(), {}, {}, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->name, "stage-a-quick");
  EXPECT_TRUE(report->holds());
  const auto text = render_markdown(*report);
  for (const char* row : {"| oracle |",
                          "encoder + oracle decoder bias",
                          "full pipeline, 5,396",
                          "skip only",
                          "control: constant predictor",
                          "control: full, inputs shuffled",
                          "control: folded digital",
                          "b_enc = 0",
                          "consistent oracle",
                          "centred cosine of full",
                          "R2 of full",
                          "R2 of ridge regression",
                          "largest eigenvalue of J_enc",
                          "M: least eigenvalue",
                          "decoder shift",
                          "mean of 1 snapshots at kT = 1 ",
                          "mean of 10000 snapshots at kT = 0.0001",
                          "pairwise cosine",
                          "spread / mean norm",
                          "4.24e-16",
                          "1.89e+13",
                          "relaxation heat"}) {
    EXPECT_THAT(text, HasSubstr(row));
  }
  EXPECT_EQ(text.find("nan"), std::string::npos);
  EXPECT_TRUE(render_page(*report));
  EXPECT_TRUE(render_json(*report));
}

TEST(StageATest, GivesTheSameReportAgainAndFromItsWorkFolder) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("calx-stage-a-" + std::to_string(::getpid()));
  std::filesystem::remove_all(folder);
  const auto plain = stage_a(tiny(), {}, {}, {});
  const auto kept = stage_a(tiny(), {.work = folder, .command = {}}, {}, {});
  const auto again = stage_a(tiny(), {.work = folder, .command = {}}, {}, {});
  ASSERT_TRUE(plain && kept && again);
  EXPECT_EQ(render_markdown(*plain), render_markdown(*kept));
  EXPECT_EQ(render_markdown(*plain), render_markdown(*again));
  std::filesystem::remove_all(folder);
}

TEST(StageATest, OnlyThePublishedSetUpIsJudged) {
  EXPECT_TRUE(StageASettings().published());
  EXPECT_FALSE(quick_stage_a().published());
  StageASettings other;
  other.seed = noise::Seed::from_integer(std::int64_t{7});
  EXPECT_TRUE(other.published());
  other.onsite_j2 = 0.2;
  EXPECT_FALSE(other.published());
}

TEST(StageATest, RefusesSizesThatCannotBeAndStops) {
  auto wide = tiny(), high = tiny(), none = tiny(), sweep = tiny();
  wide.units = 17;
  high.rank = 17;
  none.test = 1;
  sweep.ranks = {4, 99};
  for (const auto& bad : {wide, high, none, sweep}) {
    const auto report = stage_a(bad, {}, {}, {});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument);
  }
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(stage_a(tiny(), {}, {}, stop.get_token()).error().code, ErrorCode::kCancelled);
}

}  // namespace
}  // namespace calx::inference
