// Goal: the neighbours are the true ones, and copies are told from chance.
// Method: a brute-force search in floating point on noise pictures; a planted copy; the edges.
#include "calx/eval/nearest.h"

#include <gtest/gtest.h>

#include <cmath>

#include "calx/noise/stream.h"

namespace calx::eval {
namespace {

std::vector<std::uint8_t> noise_pictures(std::uint64_t index, std::size_t bytes) {
  std::vector<std::uint32_t> words(bytes);
  noise::Region region;
  region.columns = static_cast<std::uint32_t>(bytes);
  const auto stream = noise::Stream::open(noise::Seed::from_integer(std::int64_t{8}), "p", index);
  EXPECT_TRUE(stream->bits(region, words));
  return {words.begin(), words.end()};
}

TEST(NearestTest, AgreesWithPlainSearch) {
  constexpr std::size_t kPixels = 300;  // two whole pieces and a part
  const auto library = noise_pictures(0, 40 * kPixels), queries = noise_pictures(1, 15 * kPixels);
  const auto found = nearest(queries, library, kPixels, 2);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 15U);
  for (std::size_t q = 0; q < found->size(); ++q) {
    std::vector<std::pair<double, std::size_t>> all;
    for (std::size_t j = 0; j < 40; ++j) {
      double sum = 0;
      for (std::size_t p = 0; p < kPixels; ++p) {
        const double difference =
            double(queries[q * kPixels + p]) - double(library[j * kPixels + p]);
        sum += difference * difference;
      }
      all.emplace_back(std::sqrt(sum), j);
    }
    std::ranges::sort(all);
    EXPECT_EQ((*found)[q].index, all[0].second);
    EXPECT_DOUBLE_EQ((*found)[q].distance, all[0].first);
    EXPECT_DOUBLE_EQ((*found)[q].second, all[1].first);
  }
}

TEST(NearestTest, FindsAPlantedCopyAndNoOther) {
  constexpr std::size_t kPixels = 64;
  auto library = noise_pictures(2, 30 * kPixels);
  auto queries = noise_pictures(3, 10 * kPixels);
  std::copy_n(library.begin() + 17 * kPixels, kPixels, queries.begin() + 4 * kPixels);
  queries[4 * kPixels + 5] ^= 9;  // a copy need not be exact
  const auto found = nearest(queries, library, kPixels, 1);
  ASSERT_TRUE(found);
  for (std::size_t q = 0; q < found->size(); ++q) EXPECT_EQ(is_copy((*found)[q]), q == 4);
  EXPECT_EQ((*found)[4].index, 17U);
}

TEST(NearestTest, TakesTheLowestIndexOfEquals) {
  const std::vector<std::uint8_t> library = {1, 1, 0, 9, 9, 0, 1, 1, 0}, query = {1, 1, 0};
  const auto found = nearest(query, library, 3, 1);
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)[0].index, 0U);
  EXPECT_EQ((*found)[0].distance, 0.0);
  EXPECT_EQ((*found)[0].second, 0.0);
}

TEST(NearestTest, RefusesPartsOfPictures) {
  const std::vector<std::uint8_t> bytes(12);
  EXPECT_EQ(nearest(bytes, bytes, 5, 1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(nearest(bytes, bytes, 12, 1).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(nearest(bytes, bytes, 0, 1).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::eval
