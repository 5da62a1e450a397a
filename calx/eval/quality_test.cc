// Goal: the study answers by its own rules, and its files hold what it found.
// Method: answers for planted figures on both sides of every bar; one whole small study, with an
// untrained model, which must fail the accuracy bar and lie far from real digits.
#include "calx/eval/quality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "calx/base/atomic_file.h"
#include "calx/diffusion/model_file.h"
#include "calx/diffusion/procedural_digits.h"
#include "calx/eval/judge.h"
#include "calx/format/canonical_json.h"
#include "calx/nn/threads.h"

namespace calx::eval {
namespace {

using testing::HasSubstr;

std::string text_of(const std::filesystem::path& path) {
  const auto bytes = read_file(path, 1 << 24).value();
  return {bytes.begin(), bytes.end()};
}

TEST(QualityTest, FailsAnUntrainedModelAndWritesWhatItFound) {
  const auto folder = std::filesystem::temp_directory_path() / "calx-quality-test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  nn::set_threads(1);
  nn::UNetConfig config;
  config.patch = 4;
  config.widths = {8};
  config.embedding = 16;
  const auto network = nn::UNet::create(config, noise::Seed());
  ASSERT_TRUE(network);
  const auto model = diffusion::encode_model({config, network->parameters(), {}});
  ASSERT_TRUE(model);
  ASSERT_TRUE(write_file(folder / "model.safetensors", *model));
  nn::ClassifierConfig judge_config;
  judge_config.widths = {4, 4, 4};
  judge_config.features = 8;
  const auto judge = nn::Classifier::create(judge_config, noise::Seed());
  ASSERT_TRUE(judge);
  ASSERT_TRUE(save_judge(folder / "judge.safetensors", *judge, {}));

  const auto train = diffusion::draw_digits(noise::Seed::from_integer(std::int64_t{1}), 200);
  const auto held_out = diffusion::draw_digits(noise::Seed::from_integer(std::int64_t{2}), 100);
  ASSERT_TRUE(train);
  ASSERT_TRUE(held_out);
  QualitySettings settings;
  settings.steps = 2;
  settings.count = 1000;  // more than there are: half of the held-out ones is taken
  settings.replicates = 40;
  settings.permutations = 40;
  QualityRun run{folder / "model.safetensors",
                 folder / "judge.safetensors",
                 folder / "work",
                 folder / "out",
                 "calx study quality --tiny",
                 2};
  const auto report = study_quality(*train, *held_out, settings, run, {}, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->count, 50U);
  EXPECT_EQ(report->accuracy, Verdict::kFails);
  EXPECT_GT(report->sets[0].distance, 3 * report->sets[2].distance);
  EXPECT_EQ(report->nearness[2].pictures, 100);
  EXPECT_EQ(report->nearness[2].near, 1);  // by definition of near

  const auto markdown = text_of(report->markdown), page = text_of(report->page);
  for (const auto& set : report->sets) {
    EXPECT_THAT(markdown, HasSubstr(set.digest));
    EXPECT_THAT(page, HasSubstr(set.digest));
  }
  EXPECT_THAT(markdown, HasSubstr("origin: `software`"));
  EXPECT_THAT(markdown, HasSubstr("not handwriting"));
  const auto json = format::parse_json(text_of(report->json));
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(*json->find("command")->string(), run.command);

  run.threads = 1;
  run.work = folder / "other-work";
  const auto again = study_quality(*train, *held_out, settings, run, {}, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(again->difference, report->difference);
  EXPECT_EQ(again->difference_interval.low, report->difference_interval.low);
  EXPECT_EQ(again->mutual_p, report->mutual_p);
  std::filesystem::remove_all(folder);
}

QualityReport planted(Interval difference) {
  QualityReport report;
  report.count = 1000;
  report.sets.resize(5);
  report.sets[0].distance = 1.0;
  report.sets[2].distance = 0.2;
  report.equality_bound = kEqualityShare * 0.2;
  report.difference_interval = difference;
  report.nearness.resize(3);
  for (auto& row : report.nearness) row.pictures = 1000;
  return report;
}

TEST(QualityTest, CallsArmsEqualOnlyIfTheWholeIntervalIsWithinTheBound) {
  EXPECT_EQ(judge_equality(planted({-0.009, 0.010})), Verdict::kHolds);
  EXPECT_EQ(judge_equality(planted({-0.011, 0.001})), Verdict::kUndecided);
  EXPECT_EQ(judge_equality(planted({-0.5, 0.5})), Verdict::kUndecided);
  EXPECT_EQ(judge_equality(planted({0.011, 0.5})), Verdict::kFails);
  EXPECT_EQ(judge_equality(planted({-0.5, -0.011})), Verdict::kFails);
}

TEST(QualityTest, AsksForTheAccuracyOfTheBar) {
  auto report = planted({});
  report.sets[0].correct = 970;
  EXPECT_EQ(judge_accuracy(report), Verdict::kHolds);
  report.sets[0].correct = 969;
  EXPECT_EQ(judge_accuracy(report), Verdict::kFails);
}

TEST(QualityTest, CallsCopiesWhatIsMoreCommonThanAmongRealPictures) {
  auto report = planted({});
  report.nearness[2].copies = 2;
  report.nearness[0].copies = 3;
  EXPECT_EQ(judge_memory(report), Verdict::kHolds);
  report.nearness[0].copies = 60;
  EXPECT_EQ(judge_memory(report), Verdict::kFails);
}

}  // namespace
}  // namespace calx::eval
