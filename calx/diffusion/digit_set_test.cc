// Goal: pictures arrive whole, centred and scaled, whatever file they came in.
// Method: a known set by hand and as idx; the real MNIST files where they are; provoked errors.
#include "calx/diffusion/digit_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "calx/base/atomic_file.h"

namespace calx::diffusion {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

std::vector<std::uint8_t> ramp(std::size_t count) {
  std::vector<std::uint8_t> pixels(count * 784);
  std::iota(pixels.begin(), pixels.end(), std::uint8_t{0});
  return pixels;
}

TEST(DigitSetTest, CentresPicturesOnABlackBorderOfTwo) {
  const auto pixels = ramp(2);
  const std::vector<std::uint8_t> labels{3, 9};
  const auto set = make_digit_set("test", pixels, labels);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->size(), 2U);
  EXPECT_EQ(set->labels, (std::vector<std::int32_t>{3, 9}));
  for (std::size_t row = 0; row < 32; ++row) {
    for (std::size_t column = 0; column < 32; ++column) {
      const bool inside = row >= 2 && row < 30 && column >= 2 && column < 30;
      const float wanted =
          inside ? static_cast<float>(pixels[784 + (row - 2) * 28 + column - 2]) / 127.5F - 1.0F
                 : -1.0F;
      ASSERT_EQ(set->picture(1)[row * 32 + column], wanted) << row << ' ' << column;
    }
  }
}

TEST(DigitSetTest, DigestTellsSetsApart) {
  const std::vector<std::uint8_t> labels{3}, others{4};
  const auto digest = make_digit_set("a", ramp(1), labels)->digest;
  EXPECT_EQ(make_digit_set("b", ramp(1), labels)->digest, digest);
  EXPECT_NE(make_digit_set("a", ramp(1), others)->digest, digest);
}

TEST(DigitSetTest, ReadsIdxPairs) {
  const auto folder = fs::path(testing::TempDir()) / "calx-digit-set";
  fs::create_directories(folder);
  std::vector<std::uint8_t> images{0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28};
  const auto pixels = ramp(2);
  images.insert(images.end(), pixels.begin(), pixels.end());
  const std::vector<std::uint8_t> labels{0, 0, 8, 1, 0, 0, 0, 2, 5, 6};
  ASSERT_TRUE(write_file(folder / "images", images));
  ASSERT_TRUE(write_file(folder / "labels", labels));
  const auto set = load_idx_digits(folder / "images", folder / "labels");
  ASSERT_TRUE(set) << set.error().message;
  const std::vector<std::uint8_t> plain{5, 6};
  EXPECT_EQ(set->digest, make_digit_set("", pixels, plain)->digest);
  EXPECT_FALSE(load_idx_digits(folder / "labels", folder / "labels"));
  EXPECT_EQ(load_npz_digits(folder / "nothing").error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(load_npz_digits(folder / "images"));
}

TEST(DigitSetTest, ReadsTheTrainingPicturesOfMnist) {
  const auto path =
      fs::path(CALX_SOURCE_DIR).parent_path() / "shared/data/mnist/cazala_mnist_10000.npz";
  if (!fs::exists(path)) GTEST_SKIP() << "no " << path;
  const auto set = load_npz_digits(path);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ(set->size(), 10'000U);
  std::vector<int> counts(10);
  for (const auto label : set->labels) ++counts[static_cast<std::size_t>(label)];
  EXPECT_GT(*std::ranges::min_element(counts), 800);
}

TEST(DigitSetTest, RefusesWrongSizesAndLabels) {
  const std::vector<std::uint8_t> bad{10};
  EXPECT_THAT(make_digit_set("x", ramp(1), bad).error().message, HasSubstr("label 0 is 10"));
  const std::vector<std::uint8_t> two{1, 2};
  EXPECT_THAT(make_digit_set("x", ramp(1), two).error().message, HasSubstr("2 labels"));
  EXPECT_FALSE(make_digit_set("x", {}, {}));
}

}  // namespace
}  // namespace calx::diffusion
