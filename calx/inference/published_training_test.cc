// Goal: the U-Net of the experiments is trained by the stated rule, and a run can be broken
// anywhere or read back. Method: the rate against its formula, bit-equality of broken and unbroken
// runs, a finished run that draws nothing new, planted damage.
#include "calx/inference/published_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <limits>

#include "calx/noise/stream.h"

namespace calx::inference {
namespace {

using testing::HasSubstr;

PublishedTraining tiny() {
  PublishedTraining training;
  training.network = {.channels = 2, .width = 8, .side = 8};
  training.batch = 4;
  training.images = 24;
  return training;
}

std::vector<float> pictures() {
  std::vector<float> values(5 * 64);
  EXPECT_TRUE(noise::Stream::open(noise::Seed(), "test", 0)->uniform({.columns = 5 * 64}, values));
  return values;
}

struct Folder {
  std::filesystem::path path;
  explicit Folder(const char* name)
      : path(std::filesystem::temp_directory_path() /
             (std::string("calx-training-") + name + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(PublishedTrainingTest, RateFallsByTheStatedRule) {
  const PublishedTraining stage_c;
  EXPECT_DOUBLE_EQ(learning_rate(stage_c, 0), 1e-3);
  EXPECT_DOUBLE_EQ(learning_rate(stage_c, 1), 1e-3 * (1 - 32.0 / 6400) + 1e-5);
  EXPECT_DOUBLE_EQ(learning_rate(stage_c, 199), 1e-3 * (1 - 6368.0 / 6400) + 1e-5);
  EXPECT_EQ(learning_rate(stage_b_training(), 39), 3e-4);
}

TEST(PublishedTrainingTest, AStoppedRunGoesOnWithTheBitsOfAnUnbrokenOne) {
  const Folder whole("whole"), broken("broken");
  const auto unbroken = train_published(pictures(), tiny(), {.folder = whole.path}, {}, {});
  ASSERT_TRUE(unbroken) << unbroken.error().message;
  ASSERT_EQ(unbroken->losses.size(), 6U);
  std::stop_source stop;
  const auto observer = [&](const Progress& now) {
    if (now.done == 2) stop.request_stop();
  };
  const auto first =
      train_published(pictures(), tiny(), {.folder = broken.path}, observer, stop.get_token());
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().code, ErrorCode::kCancelled);
  EXPECT_THAT(first.error().message, HasSubstr("2 of 6"));
  const auto second = train_published(pictures(), tiny(), {.folder = broken.path}, {}, {});
  ASSERT_TRUE(second);
  EXPECT_EQ(second->losses, unbroken->losses);
  EXPECT_EQ(second->network.parameters(), unbroken->network.parameters());
}

TEST(PublishedTrainingTest, AFinishedRunIsReadBackAndAnotherIsItsOwnFile) {
  const Folder folder("finished");
  const auto first = train_published(pictures(), tiny(), {.folder = folder.path}, {}, {});
  ASSERT_TRUE(first);
  std::size_t calls = 0;
  const auto count = [&](const Progress&) { ++calls; };
  const auto again = train_published(pictures(), tiny(), {.folder = folder.path}, count, {});
  ASSERT_TRUE(again);
  EXPECT_EQ(calls, 0U);
  EXPECT_EQ(again->network.parameters(), first->network.parameters());
  auto other = tiny();
  other.seed = noise::Seed::from_integer(std::int64_t{43});
  const auto another = train_published(pictures(), other, {.folder = folder.path}, count, {});
  ASSERT_TRUE(another);
  EXPECT_EQ(calls, 6U);
  EXPECT_NE(another->file, first->file);
  EXPECT_NE(another->losses, first->losses);
}

TEST(PublishedTrainingTest, RefusesADamagedCheckpoint) {
  const Folder folder("damaged");
  const auto made = train_published(pictures(), tiny(), {.folder = folder.path}, {}, {});
  ASSERT_TRUE(made);
  {
    std::fstream file(made->file, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-8, std::ios::end);
    file.write("\xff\xff\xff\x7f", 4);  // a NaN among the weights
  }
  const auto again = train_published(pictures(), tiny(), {.folder = folder.path}, {}, {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(again.error().message, HasSubstr(made->file.string()));
}

TEST(PublishedTrainingTest, RefusesSettingsAndPicturesThatCannotBe) {
  const Folder folder("refused");
  const auto code = [&](const std::vector<float>& shown, const PublishedTraining& training) {
    const auto made = train_published(shown, training, {.folder = folder.path}, {}, {});
    return made ? ErrorCode::kInternal : made.error().code;
  };
  auto uneven = tiny(), wild = tiny(), still = tiny();
  uneven.images = 25;
  wild.sigma = std::numeric_limits<double>::quiet_NaN();
  still.learning_rate = 0;
  for (const auto& bad : {uneven, wild, still}) {
    EXPECT_EQ(code(pictures(), bad), ErrorCode::kInvalidArgument);
  }
  auto bright = pictures(), cut = pictures();
  bright[7] = 1.5F;
  cut.pop_back();
  EXPECT_EQ(code(bright, tiny()), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(cut, tiny()), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({}, tiny()), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(folder.path));
}

}  // namespace
}  // namespace calx::inference
