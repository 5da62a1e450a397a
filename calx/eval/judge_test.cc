// Goal: the judge learns what digits are, from their labels and from nothing else; a saved judge is
// the same judge; a damaged one is refused.
// Method: a tiny run on drawn digits against fresh drawn digits, the same run with shuffled labels
// as control; files written, changed by one bit and read back.
#include "calx/eval/judge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "calx/base/atomic_file.h"
#include "calx/diffusion/procedural_digits.h"
#include "calx/eval/judge_training.h"
#include "calx/nn/threads.h"

namespace calx::eval {
namespace {

JudgeSettings tiny() {
  JudgeSettings settings;
  settings.network.widths = {8, 16};
  settings.network.features = 32;
  settings.epochs = 3;
  settings.batch = 32;
  settings.seed = noise::Seed::from_integer(std::int64_t{5});
  return settings;
}

diffusion::DigitSet drawn(std::int64_t seed, std::size_t count) {
  return diffusion::draw_digits(noise::Seed::from_integer(seed), count).value();
}

double accuracy(const diffusion::DigitSet& train, const diffusion::DigitSet& test) {
  nn::set_threads(1);
  std::vector<double> losses;
  const auto network = train_classifier(train, tiny(), losses, {}, {});
  EXPECT_TRUE(network) << network.error().message;
  const auto judgement = judge_pictures(*network, grey_pictures(test), 2).value();
  return static_cast<double>(count_equal(judgement.classes, test.labels)) /
         static_cast<double>(test.size());
}

TEST(JudgeTest, LearnsDrawnDigitsAndNothingFromShuffledLabels) {
  const auto test = drawn(2, 400);
  auto train = drawn(1, 1000);
  EXPECT_GT(accuracy(train, test), 0.8);
  // Neighbours in the set differ in class, so a turn by every amount 0..9 makes labels say nothing.
  for (std::size_t i = 0; i < train.labels.size(); ++i) {
    train.labels[i] = (train.labels[i] + static_cast<std::int32_t>(i / 10)) % 10;
  }
  // Chance is 0.1 with a binomial deviation of 0.015; guesses of one network hang together by
  // class (40 pictures each), which at worst makes the deviation sqrt(0.09 / 10) = 0.095.
  EXPECT_LT(accuracy(train, test), 0.1 + 3 * 0.095);
}

TEST(JudgeTest, GivesTheSameFeaturesAtAnyThreadCount) {
  const auto network = nn::Classifier::create(tiny().network, tiny().seed);
  ASSERT_TRUE(network);
  const auto grey = grey_pictures(drawn(3, 250));
  const auto one = judge_pictures(*network, grey, 1), two = judge_pictures(*network, grey, 2);
  ASSERT_TRUE(one);
  ASSERT_TRUE(two);
  EXPECT_EQ(one->features, two->features);
  EXPECT_EQ(one->classes, two->classes);
}

TEST(JudgeTest, RefusesAChangedFileAndReadsAWholeOne) {
  const auto folder = std::filesystem::temp_directory_path() / "calx-judge-test";
  std::filesystem::create_directories(folder);
  const auto path = folder / "judge.safetensors";
  const auto network = nn::Classifier::create(tiny().network, tiny().seed);
  ASSERT_TRUE(network);
  ASSERT_TRUE(save_judge(path, *network, {{"training.note", "none"}}));
  const auto judge = load_judge(path);
  ASSERT_TRUE(judge) << judge.error().message;
  EXPECT_EQ(judge->network.parameters(), network->parameters());
  EXPECT_EQ(judge->network.config(), network->config());
  auto bytes = read_file(path, kJudgeBytesMax).value();
  bytes[bytes.size() - 7] ^= 1;
  ASSERT_TRUE(write_file(path, bytes));
  EXPECT_EQ(load_judge(path).error().code, ErrorCode::kDataLoss);
  std::filesystem::remove_all(folder);
}

TEST(JudgeTest, RefusesPartsOfPictures) {
  const auto network = nn::Classifier::create(tiny().network, tiny().seed);
  ASSERT_TRUE(network);
  const std::vector<std::uint8_t> bytes(1000);
  EXPECT_EQ(judge_pictures(*network, bytes, 1).error().code, ErrorCode::kInvalidArgument);
}

TEST(JudgeTrainingTest, StopsOnRequestAndRefusesBadSettings) {
  const auto train = drawn(1, 40);
  std::vector<double> losses;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(train_classifier(train, tiny(), losses, {}, stop.get_token()).error().code,
            ErrorCode::kCancelled);
  auto settings = tiny();
  settings.batch = 41;
  EXPECT_EQ(train_classifier(train, settings, losses, {}, {}).error().code,
            ErrorCode::kInvalidArgument);
  settings = tiny();
  settings.epochs = 0;
  EXPECT_EQ(train_classifier(train, settings, losses, {}, {}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(JudgeTrainingTest, TurnsTheRateUpOnceAndDownToNothing) {
  EXPECT_NEAR(one_cycle_rate(1.0, 0, 1000), 0.04, 1e-12);
  EXPECT_NEAR(one_cycle_rate(1.0, 250, 1000), 1.0, 1e-12);
  EXPECT_NEAR(one_cycle_rate(1.0, 625, 1000), 0.5, 1e-12);
  EXPECT_NEAR(one_cycle_rate(1.0, 1000, 1000), 0.0, 1e-12);
}

}  // namespace
}  // namespace calx::eval
