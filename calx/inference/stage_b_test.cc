// Goal: stage B trains once, runs every arm on both kinds of input, and says what cannot be
// reproduced. Method: a tiny set-up end to end; its training read back; provoked errors.
#include "calx/inference/stage_b.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace calx::inference {
namespace {

using testing::HasSubstr;

StageBSettings tiny() {
  auto settings = quick_stage_b();
  settings.training.network.width = 8;
  settings.training.images = 32;
  settings.units = 8;
  settings.fit = 32;
  settings.test = 16;
  settings.ranks = {2, 4};
  return settings;
}

struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("calx-stage-b-" + std::to_string(::getpid()));
  Folder() { std::filesystem::remove_all(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(StageBTest, PrintsBothKindsOfInputAndWhatIsAbsent) {
  const Folder folder;
  const auto report = stage_b(tiny(), {.work = folder.path, .command = {}}, {}, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->name, "stage-b-quick");
  const auto text = render_markdown(*report);
  for (const char* part :
       {"Arms on white noise", "Arms on digits", "control: constant", "control: shuffled",
        "control: folded digital", "consistent oracle", "0.9906", "12.74", "skip only 0.9924",
        "oracle 1.0000", "no weights", "Rank of the coupling", "Linear regression"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_EQ(text.find("nan"), std::string::npos);
  // The second run trains nothing and says the same.
  const auto trains = [](const Progress& now) {
    EXPECT_EQ(now.stage.find("training"), now.stage.npos);
  };
  const auto again = stage_b(tiny(), {.work = folder.path, .command = {}}, trains, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(render_markdown(*again), text);
}

TEST(StageBTest, StopsInItsTrainingAndGoesOn) {
  const Folder folder;
  std::stop_source stop;
  const auto observer = [&](const Progress& now) {
    if (now.stage.starts_with("training") && now.done == 2) stop.request_stop();
  };
  const StageRun run{.work = folder.path, .command = {}};
  EXPECT_EQ(stage_b(tiny(), run, observer, stop.get_token()).error().code, ErrorCode::kCancelled);
  std::size_t first = 0;
  const auto watch = [&](const Progress& now) {
    if (first == 0 && now.stage.starts_with("training")) first = now.done;
  };
  ASSERT_TRUE(stage_b(tiny(), run, watch, {}));
  EXPECT_EQ(first, 3U);
}

TEST(StageBTest, RefusesSizesThatCannotBe) {
  const Folder folder;
  auto wide = tiny(), high = tiny(), small = tiny(), few = tiny();
  wide.units = 9;
  high.ranks = {9};
  small.training.network.side = 16;
  few.interface_seeds = 0;
  for (const auto& bad : {wide, high, small, few}) {
    const auto report = stage_b(bad, {.work = folder.path, .command = {}}, {}, {});
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_EQ(stage_b(tiny(), {}, {}, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(folder.path));
}

}  // namespace
}  // namespace calx::inference
