// Goal: the study of whole images runs every arm, keeps what it made, and says what it found.
// Method: an example network and an untrained judge on drawn digits: all arms once; pictures after
// a stop and from kept files against those of a run in one go; the ledger's counts by hand;
// planted sets through the scores; errors provoked.
#include "calx/inference/whole_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "calx/base/atomic_file.h"
#include "calx/diffusion/model_file.h"
#include "calx/eval/judge.h"
#include "calx/inference/analog_path.h"
#include "calx/inference/example_study.h"
#include "calx/inference/picture_store.h"

namespace calx::inference {
namespace {

using testing::HasSubstr;

class WholeImagesTest : public testing::Test {
 protected:
  void SetUp() override {
    nn::set_threads(1);
    folder_ = fresh_folder("whole");
    const auto model =
        diffusion::encode_model({diffusion::example_config(), diffusion::example_parameters(), {}});
    ASSERT_TRUE(model);
    ASSERT_TRUE(write_file(folder_ / "model.safetensors", *model));
    nn::ClassifierConfig config;
    config.widths = {4, 4, 4};
    config.features = 8;
    const auto judge = nn::Classifier::create(config, noise::Seed());
    ASSERT_TRUE(judge);
    ASSERT_TRUE(eval::save_judge(folder_ / "judge.safetensors", *judge, {}));
    settings_.count = 20;
    settings_.batch = 6;
    settings_.steps = 3;
    settings_.rank = 4;
    settings_.replicates = 20;
    settings_.fit = example_fit_settings();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<WholeResult> run(const char* work, int threads = 2, const Observer& observer = {},
                          const std::stop_token& stop = {}) const {
    const WholeRun run{folder_ / "model.safetensors", folder_ / "judge.safetensors", folder_ / work,
                       "calx thermo sample --tiny", threads};
    return study_whole_images(train_, held_out_, settings_, run, observer, stop);
  }
  std::string said() const {
    const auto result = run("bad");
    return result ? "nothing" : result.error().message;
  }

  std::filesystem::path folder_;
  WholeSettings settings_;
  diffusion::DigitSet train_ = example_digits(1, 100), held_out_ = example_digits(2, 40);
};

std::map<std::string, std::string> digests(const WholeResult& result) {
  std::map<std::string, std::string> out;
  for (const Score& score : result.scores) out[score.name] = score.digest;
  return out;
}

TEST_F(WholeImagesTest, RunsEveryArmBesideTheRealSets) {
  for (const PictureArm& arm : picture_arms()) settings_.arms.emplace_back(arm.name);
  const auto result = run("all");
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->scores.size(), picture_arms().size() + 2);
  EXPECT_EQ(result->folded_pictures, 6U);
  EXPECT_LE(result->folded_difference, 1);
  const auto found = digests(*result);
  for (const char* other : {"mean", "white", "shaped", "k0", "digital", "class-snapshot"}) {
    EXPECT_NE(found.at("snapshot"), found.at(other)) << other;
  }
  EXPECT_EQ(result->scores[0].ratio, 1);
  for (const Score& score : result->scores) {
    EXPECT_TRUE(score.ratio_interval.low <= score.ratio_interval.high) << score.name;
    EXPECT_GT(score.nearest, score.name == "training pictures" ? -1 : 0);
  }
  const std::string text = render_markdown(result->report);
  for (const Score& score : result->scores) EXPECT_THAT(text, HasSubstr(score.digest));
  EXPECT_THAT(text, HasSubstr("exact draws"));
  EXPECT_THAT(text, HasSubstr("skip kept analog"));
  EXPECT_THAT(text, HasSubstr("every one of 3 steps, bar 20"));
  EXPECT_EQ(result->report.pictures.size(), result->scores.size());
  EXPECT_TRUE(render_json(result->report) && render_page(result->report));
}

TEST_F(WholeImagesTest, GoesOnWhereItWasStoppedWithTheSamePictures) {
  settings_.arms = {"digital", "snapshot"};
  const auto whole = run("whole", 1);
  ASSERT_TRUE(whole) << whole.error().message;
  std::stop_source source;
  std::size_t made = 0;
  const auto stopped = run(
      "resumed", 1,
      [&](const Progress& now) {
        if (now.stage == "arm snapshot" && now.done > 0) source.request_stop();
      },
      source.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  const auto again = run("resumed", 2, [&](const Progress& now) {
    if (now.stage == "arm digital" && now.done < now.count) ++made;
  });
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(made, 0U);  // the digital arm was kept
  EXPECT_EQ(digests(*again), digests(*whole));
  EXPECT_EQ(again->scores[1].deviation, whole->scores[1].deviation);
}

TEST_F(WholeImagesTest, SaysWhatItRefuses) {
  settings_.arms = {"mean", "pigeon"};
  EXPECT_THAT(said(), HasSubstr("arm pigeon: wanted one of digital, mean"));
  settings_.arms = {"mean"};
  settings_.rank = 99;
  EXPECT_THAT(said(), HasSubstr("rank 99"));
  settings_.rank = 4;
  settings_.steps = 0;
  EXPECT_THAT(said(), HasSubstr("steps is 0"));
  settings_.steps = 3;
  settings_.sampler = "euler-ancestral";
  EXPECT_THAT(said(), HasSubstr("draws noise"));
  settings_.sampler = "ddim";
  settings_.batch = 0;
  EXPECT_THAT(said(), HasSubstr("batch 0"));
}

TEST(PictureStoreTest, RefusesADamagedFileAndAnotherPlan) {
  const auto folder = fresh_folder("store");
  const BatchMaker make = [](std::size_t first, std::size_t count) {
    return std::vector<std::uint8_t>(count * 4, static_cast<std::uint8_t>(first));
  };
  const PicturePlan plan{"some plan", 5, 2, 4};
  const auto made = make_pictures(plan, folder, 2, make, {}, {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ((*made)[4 * 4], 4);
  EXPECT_EQ(*make_pictures(plan, folder, 1, {}, {}, {}), *made);  // nothing is made again
  const auto other = make_pictures({"some plan", 6, 2, 4}, folder, 1, make, {}, {});
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("other pictures than its name says"));
  const auto file = std::filesystem::directory_iterator(folder)->path();
  auto bytes = *read_file(file, 1 << 20);
  bytes.back() ^= 1;
  ASSERT_TRUE(write_file(file, bytes));
  const auto damaged = make_pictures(plan, folder, 1, make, {}, {});
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, ErrorCode::kDataLoss);
  std::filesystem::remove_all(folder);
}

TEST(PictureScoresTest, RanksPlantedSetsAndRefusesUnlikeOnes) {
  nn::set_threads(1);
  nn::ClassifierConfig config;
  config.widths = {4, 4, 4};
  config.features = 8;
  const auto judge = nn::Classifier::create(config, noise::Seed());
  ASSERT_TRUE(judge);
  const auto digits = example_digits(3, 60);
  const auto pixels = eval::grey_pictures(digits);
  const eval::Gallery real{pixels, digits.labels};
  eval::Gallery dark = real;
  for (auto& p : dark.pixels) p /= 4;
  const std::vector<PictureSet> sets = {{"same", real}, {"dark", dark}};
  ScoreSettings settings{.seed = {}, .replicates = 20, .curve = {30, 60}, .base = 1, .threads = 2};
  const auto scores = score_pictures(*judge, real, sets, pixels, settings, {}, {});
  ASSERT_TRUE(scores) << scores.error().message;
  EXPECT_NEAR((*scores)[0].distance, 0, 1e-6);
  EXPECT_GT((*scores)[1].distance, 10 * (*scores)[0].deviation);
  EXPECT_EQ((*scores)[0].manifold.precision, 1);
  EXPECT_EQ((*scores)[0].nearest, 0);
  EXPECT_EQ((*scores)[1].ratio, 1);
  EXPECT_EQ((*scores)[1].curve[1], (*scores)[1].distance);
  settings.curve = {61};
  const auto past = score_pictures(*judge, real, sets, pixels, settings, {}, {});
  ASSERT_FALSE(past);
  EXPECT_THAT(past.error().message, HasSubstr("curve at 61"));
}

TEST(AnalogPathTest, CountsWhatOnePictureAsks) {
  const auto statistics = example_statistics(diffusion::example_network());
  const auto fits = fit_block(statistics, {.rank = 4});
  ASSERT_TRUE(fits);
  // 3 steps, 2 passes, 8 x 8 pixels, 16 + 8 channels in, 8 out.
  const auto written = picture_effort(*fits, true, SkipPath::kWritten, 1000);
  EXPECT_EQ(written.effort.dac_writes, 3 * 2 * 64 * 24);
  EXPECT_EQ(written.effort.adc_reads, 3 * 2 * 64 * 8);
  EXPECT_EQ(written.effort.same_map_macs, 3 * 2 * 64 * 4 * (24 + 8));
  EXPECT_EQ(written.effort.full_network_macs, 3 * 2 * 1000);
  EXPECT_EQ(written.reflashes, 3U);
  EXPECT_EQ(written.effort.standby_s, 3);
  const auto analog = picture_effort(*fits, true, SkipPath::kAnalog, 1000);
  EXPECT_EQ(analog.effort.dac_writes, 3 * 2 * 64 * 16);
  EXPECT_LT(analog.stated_j, written.stated_j);
  // What a write may cost, everything else at its price, is what is left over the writes.
  if (written.write_against_map_j) {
    const double others = written.stated_j - written.effort.dac_writes * 153.6e-12;
    EXPECT_NEAR(*written.write_against_map_j, (written.map_j - others) / written.effort.dac_writes,
                1e-15);
  }
  const auto by_class = fit_block(statistics, {.rank = 4, .grouping = Grouping::kClass});
  ASSERT_TRUE(by_class);
  EXPECT_EQ(picture_effort(*by_class, true, SkipPath::kWritten, 1000).reflashes, 6U);
  const auto alone = fit_block(statistics, {.rank = 4, .wired = Wired::kSkip});
  ASSERT_TRUE(alone);
  EXPECT_EQ(picture_effort(*alone, false, SkipPath::kAnalog, 1000).effort.dac_writes, 0);
}

}  // namespace
}  // namespace calx::inference
