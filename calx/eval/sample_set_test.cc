// Goal: a study judges the very pictures that `calx imagine` makes, and a stopped set goes on.
// Method: a small shaken network; parity with diffusion::make_picture under the seed of a request;
// a set stopped in the middle against one made at once, at other thread counts.
#include "calx/eval/sample_set.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "calx/base/atomic_file.h"
#include "calx/diffusion/digit_set.h"
#include "calx/diffusion/image_maker.h"
#include "calx/diffusion/training_page.h"
#include "calx/eval/held_out.h"
#include "calx/eval/judge.h"
#include "calx/nn/threads.h"
#include "calx/noise/stream.h"
#include "calx/receipt/identity.h"

namespace calx::eval {
namespace {

// Fresh weights end in zeros; these are shaken, so that pictures differ with class and seed.
nn::UNet shaken_network() {
  nn::UNetConfig config;
  config.patch = 4;
  config.widths = {8, 16};
  config.embedding = 16;
  auto parameters = nn::UNet::create(config, noise::Seed())->parameters();
  std::uint64_t index = 0;
  for (auto& parameter : parameters) {
    std::vector<float> values(parameter.values.size());
    noise::Region region;
    region.columns = static_cast<std::uint32_t>(values.size());
    EXPECT_TRUE(noise::Stream::open(noise::Seed(), "shake", index++)->normal(region, values));
    for (std::size_t i = 0; i < values.size(); ++i) parameter.values[i] += 0.1F * values[i];
  }
  return std::move(*nn::UNet::load(config, parameters));
}

SamplePlan example_plan() {
  SamplePlan plan;
  plan.model.fill(3);
  plan.seed = noise::Seed::from_integer(std::int64_t{12});
  plan.steps = 3;
  plan.classes = {4, 0, 4, 4, 9, 0};
  return plan;
}

class SampleSetTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ =
        std::filesystem::temp_directory_path() / (std::string("calx-samples-") + info->name());
    std::filesystem::remove_all(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<SampleSet> make(const SamplePlan& plan, int threads, const SampleObserver& observer = {},
                         const std::stop_token& stop = {}) {
    return make_samples(network_, plan, {folder_, threads}, observer, stop);
  }

  std::filesystem::path folder_;
  nn::UNet network_ = shaken_network();
};

TEST_F(SampleSetTest, HoldsTheImagesThatImagineMakes) {
  const auto plan = example_plan();
  const auto set = make(plan, 2);
  ASSERT_TRUE(set) << set.error().message;
  receipt::Request request;
  request.identity.model = plan.model;
  request.identity.class_index = 4;
  request.identity.guidance_thousandths = 1500;
  request.identity.steps = 3;
  request.identity.sampler = "dpmpp-2m";
  request.identity.width = request.identity.height = 32;
  request.identity.seed = plan.seed;
  const auto recipe = diffusion::recipe_of(request.identity, network_);
  ASSERT_TRUE(recipe);
  nn::set_threads(1);
  for (const auto& [place, index] : {std::pair<std::size_t, std::uint64_t>{0, 0}, {2, 1}, {3, 2}}) {
    const auto seed = receipt::image_seed(request, index, {});
    ASSERT_TRUE(seed);
    const auto picture = diffusion::make_picture(network_, *recipe, *seed);
    ASSERT_TRUE(picture);
    const auto want = diffusion::to_image(*picture, 32).pixels;
    const auto got = std::span(set->pixels).subspan(place * 1024, 1024);
    EXPECT_TRUE(std::ranges::equal(got, want)) << "picture " << place;
  }
}

TEST_F(SampleSetTest, GoesOnWhereItWasStopped) {
  const auto plan = example_plan();
  std::stop_source stop;
  const auto stopped = make(
      plan, 1,
      [&](std::size_t, std::size_t done, std::size_t) {
        if (done == 2) stop.request_stop();
      },
      stop.get_token());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  std::size_t made = 0;
  const auto resumed =
      make(plan, 2, [&](std::size_t now, std::size_t, std::size_t) { made = now; });
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ(made, 4U);
  std::filesystem::remove_all(folder_);
  const auto whole = make(plan, 1);
  ASSERT_TRUE(whole);
  EXPECT_EQ(resumed->pixels, whole->pixels);
  EXPECT_EQ(resumed->digest, whole->digest);
}

TEST_F(SampleSetTest, ChangesWithTheSourceOfTheNoise) {
  auto plan = example_plan();
  const auto from_hash = make(plan, 1);
  plan.noise = InitialNoise::kTorch;
  const auto from_torch = make(plan, 1);
  ASSERT_TRUE(from_hash);
  ASSERT_TRUE(from_torch);
  EXPECT_NE(from_hash->digest, from_torch->digest);
}

TEST_F(SampleSetTest, RefusesADamagedFileAndBadPlans) {
  auto plan = example_plan();
  ASSERT_TRUE(make(plan, 1));
  const auto file = std::filesystem::directory_iterator(folder_)->path();
  auto bytes = read_file(file, 1 << 20).value();
  bytes[bytes.size() - 3] ^= 4;
  ASSERT_TRUE(write_file(file, bytes));
  EXPECT_EQ(make(plan, 1).error().code, ErrorCode::kDataLoss);
  plan.classes = {10};
  EXPECT_EQ(make(plan, 1).error().code, ErrorCode::kInvalidArgument);
  plan.classes = {};
  EXPECT_EQ(make(plan, 1).error().code, ErrorCode::kInvalidArgument);
  plan = example_plan();
  plan.sampler = "none";
  EXPECT_EQ(make(plan, 1).error().code, ErrorCode::kInvalidArgument);
}

diffusion::DigitSet numbered_digits(std::span<const std::uint8_t> labels) {
  std::vector<std::uint8_t> pixels(labels.size() * 784);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    pixels[i * 784] = static_cast<std::uint8_t>(i);  // at row 2, column 2 of the padded picture
  }
  return diffusion::make_digit_set("numbered", pixels, labels).value();
}

std::vector<int> numbers(const Gallery& gallery) {
  std::vector<int> out;
  for (std::size_t i = 0; i < gallery.size(); ++i) {
    out.push_back(gallery.pixels[i * 1024 + 2 * 32 + 2]);
  }
  return out;
}

TEST(HeldOutTest, GivesBothHalvesEveryClassInTurn) {
  const std::vector<std::uint8_t> labels = {1, 2, 1, 1, 2, 3, 1, 3, 2};
  const auto halves = split_halves(numbered_digits(labels), 100);
  ASSERT_TRUE(halves);
  // Pairs 0-2, 1-4, 3-6, 5-7; picture 8, the odd one of its class, has no partner left.
  EXPECT_EQ(numbers(halves->first), (std::vector<int>{0, 1, 3, 5}));
  EXPECT_EQ(numbers(halves->second), (std::vector<int>{2, 4, 6, 7}));
  EXPECT_EQ(halves->first.labels, halves->second.labels);
  EXPECT_EQ(split_halves(numbered_digits(labels), 2)->first.size(), 2U);
  EXPECT_EQ(split_halves(numbered_digits(labels), 1).error().code, ErrorCode::kInvalidArgument);
}

TEST(HeldOutTest, TakesAsManyOfEachClassAsWanted) {
  const std::vector<std::uint8_t> labels = {1, 2, 1, 1, 2};
  const std::vector<std::int32_t> wanted = {2, 1, 1};
  const auto digits = numbered_digits(labels);
  EXPECT_EQ(numbers(take_like(digits, wanted).value()), (std::vector<int>{1, 0, 2}));
  const std::vector<std::int32_t> too_many = {2, 2, 2};
  EXPECT_EQ(take_like(digits, too_many).error().code, ErrorCode::kInvalidArgument);
}

TEST(HeldOutTest, SpreadsASampleOverASortedSet) {
  const std::vector<std::uint8_t> labels = {0, 0, 0, 0, 1, 1, 1, 2, 2, 2};
  const auto parts = spread_out(numbered_digits(labels), 4);
  ASSERT_TRUE(parts);
  EXPECT_EQ(numbers(parts->chosen), (std::vector<int>{0, 2, 5, 7}));
  EXPECT_EQ(numbers(parts->rest), (std::vector<int>{1, 3, 4, 6, 8, 9}));
  EXPECT_EQ(parts->chosen.labels, (std::vector<std::int32_t>{0, 0, 1, 2}));
  EXPECT_EQ(spread_out(numbered_digits(labels), 9).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::eval
