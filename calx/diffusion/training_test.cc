// Goal: a run learns, can be broken off anywhere without a trace in the weights, and leaves valid
// files.
// Method: tiny runs on drawn digits; a control that may not learn; files of broken and unbroken
// runs compared; provoked errors.
#include "calx/diffusion/training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "calx/base/atomic_file.h"
#include "calx/diffusion/checkpoint.h"
#include "calx/diffusion/example_network.h"
#include "calx/diffusion/model_file.h"
#include "calx/diffusion/procedural_digits.h"
#include "calx/format/png.h"

namespace calx::diffusion {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

const DigitSet& digits() {
  static const DigitSet set = std::move(*draw_digits(noise::Seed(), 64));
  return set;
}

TrainingSettings settings() {
  TrainingSettings settings;
  settings.network = example_config();
  settings.steps = 24;
  settings.batch.batch = 16;
  settings.warm_up_steps = 3;
  return settings;
}

// A folder of this test alone, empty at first.
fs::path folder(const std::string& name) {
  const auto path = fs::path(testing::TempDir()) / ("calx-training-" + name);
  fs::remove_all(path);
  return path;
}

TrainingRun run_in(const fs::path& path, bool resume = false) {
  TrainingRun run;
  run.folder = path;
  run.command = "calx train digits";
  run.resume = resume;
  run.checkpoint_steps = 10;
  return run;
}

std::vector<std::uint8_t> bytes_of(const fs::path& path) {
  auto bytes = read_file(path, 1 << 26);
  EXPECT_TRUE(bytes) << path;
  return bytes ? std::move(*bytes) : std::vector<std::uint8_t>{};
}

TEST(TrainingTest, LossFallsAndWithoutLearningItDoesNot) {
  auto learning = settings();
  learning.steps = 60;
  auto control = learning;
  control.learning_rate = 1e-12;
  const auto learned = train_digits(digits(), learning, run_in(folder("learn")), {}, {});
  const auto stayed = train_digits(digits(), control, run_in(folder("control")), {}, {});
  ASSERT_TRUE(learned) << learned.error().message;
  ASSERT_TRUE(stayed);
  EXPECT_LT(learned->loss_last_epoch, 0.8 * learned->loss_first_epoch);
  EXPECT_GT(stayed->loss_last_epoch, 0.95 * stayed->loss_first_epoch);
  EXPECT_LT(learned->loss_last_epoch, 0.8 * stayed->loss_last_epoch);
}

TEST(TrainingTest, BrokenRunEndsOnTheBitsOfAnUnbrokenOne) {
  const auto whole = folder("whole"), broken = folder("broken");
  ASSERT_TRUE(train_digits(digits(), settings(), run_in(whole), {}, {}));
  std::stop_source stop;
  const auto stop_at_7 = [&](const TrainingProgress& now) {
    if (now.step == 7) stop.request_stop();
  };
  const auto first =
      train_digits(digits(), settings(), run_in(broken), stop_at_7, stop.get_token());
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->complete);
  EXPECT_EQ(first->steps, 7);
  EXPECT_TRUE(parse_model(bytes_of(first->model)));
  const auto second = train_digits(digits(), settings(), run_in(broken, true), {}, {});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_TRUE(second->complete);
  const auto a = load_checkpoint(whole / "checkpoint.safetensors");
  const auto b = load_checkpoint(broken / "checkpoint.safetensors");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->losses, b->losses);
  EXPECT_EQ(a->state.weights, b->state.weights);
  EXPECT_EQ(a->state.mean, b->state.mean);
  EXPECT_EQ(a->state.moment2, b->state.moment2);
  EXPECT_EQ(bytes_of(whole / "digits.safetensors"), bytes_of(broken / "digits.safetensors"));
}

TEST(TrainingTest, LeavesModelLogFiguresSamplesAndPage) {
  const auto path = folder("files");
  std::int64_t calls = 0;
  const auto observe = [&](const TrainingProgress& now) { EXPECT_EQ(now.step, ++calls); };
  const auto report = train_digits(digits(), settings(), run_in(path), observe, {});
  ASSERT_TRUE(report);
  EXPECT_EQ(calls, 24);
  EXPECT_EQ(report->epochs, 6);
  const auto model = parse_model(bytes_of(report->model));
  ASSERT_TRUE(model);
  EXPECT_EQ(model->notes.at("training.command"), "calx train digits");
  EXPECT_EQ(model->notes.at("training.steps"), "24 of 24");
  for (int epoch = 1; epoch <= 6; ++epoch) {
    const auto png =
        format::parse_png(bytes_of(path / ("samples/epoch-00" + std::to_string(epoch) + ".png")));
    ASSERT_TRUE(png);
    EXPECT_GT(png->image.width, 320U);
  }
  const auto page = bytes_of(report->page);
  EXPECT_THAT(std::string(page.begin(), page.end()), HasSubstr("epoch 6"));
  const auto log = bytes_of(report->log);
  EXPECT_THAT(std::string(log.begin(), log.end()), HasSubstr("epoch   6"));
  EXPECT_FALSE(bytes_of(path / "training.json").empty());
}

TEST(TrainingTest, TimeLimitStopsInGoodOrder) {
  auto run = run_in(folder("minutes"));
  run.minutes_max = 1e-9;
  const auto report = train_digits(digits(), settings(), run, {}, {});
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->complete);
  EXPECT_TRUE(load_checkpoint(report->checkpoint));
}

TEST(TrainingTest, RefusesToOverwriteToMixAndToResumeNothing) {
  const auto path = folder("refuse");
  EXPECT_EQ(train_digits(digits(), settings(), run_in(path, true), {}, {}).error().code,
            ErrorCode::kNotFound);
  ASSERT_TRUE(train_digits(digits(), settings(), run_in(path), {}, {}));
  EXPECT_THAT(train_digits(digits(), settings(), run_in(path), {}, {}).error().message,
              HasSubstr("resume it, or name another folder"));
  auto other = settings();
  other.learning_rate = 1e-3;
  EXPECT_THAT(train_digits(digits(), other, run_in(path, true), {}, {}).error().message,
              HasSubstr("another run"));
  auto bytes = bytes_of(path / "checkpoint.safetensors");
  bytes[bytes.size() / 2] ^= 4U;
  ASSERT_TRUE(write_file(path / "checkpoint.safetensors", bytes));
  EXPECT_EQ(train_digits(digits(), settings(), run_in(path, true), {}, {}).error().code,
            ErrorCode::kDataLoss);
}

TEST(TrainingTest, RefusesImpossibleSettings) {
  const auto error_of = [](auto change) {
    auto changed = settings();
    change(changed);
    return train_digits(digits(), changed, run_in(folder("bad")), {}, {}).error().message;
  };
  EXPECT_THAT(error_of([](auto& s) { s.steps = 0; }), HasSubstr("training steps 0"));
  EXPECT_THAT(error_of([](auto& s) { s.learning_rate = 0; }), HasSubstr("learning rate 0"));
  EXPECT_THAT(error_of([](auto& s) { s.network.side = 16; }), HasSubstr("side 32"));
  EXPECT_THAT(error_of([](auto& s) { s.batch.batch = 0; }), HasSubstr("batch 0"));
}

TEST(TrainingTest, LearningRateWarmsUpThenFallsToZero) {
  auto s = settings();
  s.steps = 100;
  s.warm_up_steps = 10;
  s.learning_rate = 0.5;
  EXPECT_DOUBLE_EQ(learning_rate(s, 0), 0.05);
  EXPECT_DOUBLE_EQ(learning_rate(s, 9), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(s, 55), 0.25);
  EXPECT_NEAR(learning_rate(s, 99), 0.0, 2e-4);
}

}  // namespace
}  // namespace calx::diffusion
