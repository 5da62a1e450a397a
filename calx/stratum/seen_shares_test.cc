// Goal: no remembered share counts twice, whatever was remembered and forgotten around it.
// Method: law test against a plain list of the latest hashes, with colliding keys, fixed seed.
#include "calx/stratum/seen_shares.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

namespace calx::stratum {
namespace {

TEST(SeenSharesTest, AgreesWithAListOfTheLatest) {
  constexpr std::size_t kMost = 37;
  SeenShares seen(kMost);
  std::deque<unsigned> list;
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    const unsigned value = random() % 64;
    hash::Digest hash{};
    hash[7] = static_cast<std::uint8_t>(value % 8 * 16);  // the slot: eight homes for all
    hash[3] = static_cast<std::uint8_t>(value);
    const bool is_new = std::ranges::find(list, value) == list.end();
    ASSERT_EQ(seen.insert(hash), is_new) << i;
    if (i % 1000 == 999) {
      seen.clear();
      list.clear();
    } else if (is_new) {
      list.push_back(value);
      if (list.size() > kMost) list.pop_front();
    }
    ASSERT_EQ(seen.size(), list.size());
  }
}

TEST(SeenSharesTest, TheHashOfZerosIsRememberedToo) {
  SeenShares seen(2);
  EXPECT_TRUE(seen.insert({}));
  EXPECT_FALSE(seen.insert({}));
}

}  // namespace
}  // namespace calx::stratum
