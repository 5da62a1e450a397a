// Goal: stage C runs from pictures to report, goes on where it was stopped, and refuses bad input
// in one sentence.
// Method: a quick run into a folder of its own: rows, certificates and faulty twins; the same run
// again reads its parts back; damaged and missing input.
#include "calx/inference/stage_c.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "calx/base/atomic_file.h"
#include "calx/inference/reference_digits.h"
#include "calx/inference/stage_record.h"

namespace calx::inference {
namespace {

class StageCTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("calx-stage-c-" + std::to_string(::getpid()) + "-" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] StageCRun run() const {
    return {.work = folder_ / "work", .command = "test", .threads = 2};
  }

  std::filesystem::path folder_;
};

// Drawn digits stand for handwriting where only the code is tested.
Handwriting drawn() {
  Handwriting set{draw_reference_digits(noise::Seed(), 0, 1200).value(),
                  draw_reference_digits(noise::Seed(), 5000, 64).value()};
  return set;
}

TEST_F(StageCTest, QuickRunHasEveryRowAndItsCertificatesPass) {
  const auto done = run_stage_c(quick_stage_c(), drawn(), run(), {}, {});
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(done->outcomes.size(), 2U);
  for (const StageOutcome& o : done->outcomes) {
    for (const char* key : {"digital",
                            "noisy",
                            "constant",
                            "shuffled",
                            "rrr-8-shuffled",
                            "oracle-published",
                            "oracle-consistent",
                            "gram-no-decoder",
                            "gram-clamped",
                            "paper",
                            "paper-folded",
                            "transfer-folded",
                            "transfer",
                            "paper-biases",
                            "paper-biases-folded",
                            "weights-8",
                            "cca-8",
                            "rrr-1",
                            "rrr-2",
                            "rrr-4",
                            "rrr-8",
                            "rrr-16",
                            "rrr-8-folded",
                            "rrr-8-draws-1",
                            "rrr-8-draws-4",
                            "rrr-2-draws-1",
                            "rrr-8-uniform-1",
                            "rrr-8-uniform-4",
                            "both-8",
                            "both-8-draws-1",
                            "upsampled-8"}) {
      EXPECT_TRUE(o.find(key)) << key;
    }
    for (const auto& c : o.certificates) {
      EXPECT_TRUE(c.certificate.passed()) << o.data << c.name << describe(c.certificate);
    }
    ASSERT_EQ(o.twins.size(), 4U);
    for (const auto& twin : o.twins) EXPECT_FALSE(twin.found.empty()) << twin.twin;
    ASSERT_TRUE(o.average);
    EXPECT_LE(std::abs(o.average->pooled_sigmas), 4);
    EXPECT_EQ(o.effort.adc_reads, 1024.0 * 16);
    EXPECT_EQ(o.effort.same_map_macs, 1024.0 * 8 * 32);
  }
  EXPECT_TRUE(done->report.holds());  // a quick run judges no bar
  EXPECT_EQ(done->report.pictures.size(), 2U);
}

TEST_F(StageCTest, FinishedPartsAreReadBackAsTheyWere) {
  StageCSettings settings = quick_stage_c();
  settings.handwriting = false;
  const auto first = run_stage_c(settings, {}, run(), {}, {});
  ASSERT_TRUE(first) << first.error().message;
  bool trained = false;
  const auto second =
      run_stage_c(settings, {}, run(), [&](const Progress&) { trained = true; }, {});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_FALSE(trained);
  EXPECT_EQ(write_record(first->outcomes[0], settings).value(),
            write_record(second->outcomes[0], settings).value());
  settings.network.sigma = 0.4;
  const auto other =
      read_record(write_record(first->outcomes[0], quick_stage_c()).value(), settings);
  EXPECT_FALSE(other);
}

TEST_F(StageCTest, BadInputIsRefusedInOneSentence) {
  StageCSettings settings = quick_stage_c();
  settings.arms.ranks.push_back(17);
  const auto rank = run_stage_c(settings, {}, run(), {}, {});
  ASSERT_FALSE(rank);
  EXPECT_NE(rank.error().message.find("17"), std::string::npos) << rank.error().message;
  settings = quick_stage_c();
  settings.digits = false;
  const auto missing = run_stage_c(settings, {}, run(), {}, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  settings = quick_stage_c();
  settings.unet_seeds = {1, 1};
  EXPECT_FALSE(run_stage_c(settings, {}, run(), {}, {}));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "work"));
}

TEST_F(StageCTest, DamagedRecordIsNamedAndNotOverwritten) {
  std::filesystem::create_directories(run().work);
  const auto file = run().work / "part-digits-u1-s1.json";
  ASSERT_TRUE(write_file(file, std::string_view("{\"settings\": 3}")));
  const auto refused = run_stage_c(quick_stage_c(), {}, run(), {}, {});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("settings"), std::string::npos);
}

TEST_F(StageCTest, StopKeepsWhatIsDone) {
  std::stop_source stop;
  stop.request_stop();
  const auto stopped = run_stage_c(quick_stage_c(), {}, run(), {}, stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
}

TEST(StageSplitTest, SplitsOfTwoSeedsShareNoPictureAndHandwritingIsNeverTrainedOn) {
  const auto one = drawn_split(noise::Seed(), 1, {}), two = drawn_split(noise::Seed(), 2, {});
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->fit.numbers.front(), 10'000U);
  EXPECT_EQ(one->test.numbers.front(), 10'096U);
  EXPECT_LT(one->test.numbers.back(), two->fit.numbers.front());
  EXPECT_NE(one->digest, two->digest);
  const Handwriting set = drawn();
  const auto split = handwritten_split(set.train, set.held_out, 1, {});
  ASSERT_TRUE(split) << split.error().message;
  EXPECT_GE(split->fit.numbers.front(), handwritten_training_count(set.train));
  EXPECT_FALSE(handwritten_split(set.train, set.held_out, 2, {}));  // only 64 held out
  EXPECT_FALSE(drawn_split(noise::Seed(), 0, {}));
}

}  // namespace
}  // namespace calx::inference
