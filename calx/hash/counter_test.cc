// Goal: counter mode is the SHA-256 of 52 bytes, block by block.
// Method: vectors computed with another library; parity with sha256() over a box of coordinates.
#include "calx/hash/counter.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "calx/base/hex.h"
#include "calx/hash/sha256.h"

namespace calx::hash {
namespace {

CounterRows key_0_to_31() {
  CounterRows rows;
  for (std::uint32_t i = 0; i < 8; ++i) rows.key[i] = 0x00010203u + 0x04040404u * i;
  return rows;
}

// Key 00..1f, coordinates 1, 2, 3, 4; digests by OpenSSL.
TEST(CounterTest, GivesThePublishedDigests) {
  CounterRows rows = key_0_to_31();
  rows.word8 = 1, rows.word9 = 2, rows.word10 = 3, rows.row_first = 4;
  rows.row_count = 1, rows.group_count = 8;
  std::vector<std::uint32_t> words(64);
  expand(rows, words);
  const auto group = [&](std::size_t g) {
    State state;
    for (std::size_t i = 0; i < 8; ++i) state[i] = words[8 * g + i];
    return state;
  };
  EXPECT_EQ(group(0), (State{0x321f5f2a, 0x732efd93, 0x1a862ff3, 0xe1208bab, 0xd70de2b2, 0x0c27ed95,
                             0x7896e1f6, 0x4282612c}));
  EXPECT_EQ(group(1), (State{0x65015374, 0x52d8e4c2, 0x3883e229, 0x8659f945, 0x3f50455c, 0xd1bb41e0,
                             0x935218c9, 0x98ee4c3e}));
  EXPECT_EQ(group(7), (State{0xfe6ae8ba, 0xeb254e76, 0x83f04989, 0x628839c6, 0x69d0ecf5, 0xe2ef5346,
                             0xb911b08d, 0x90bf8317}));
}

TEST(CounterTest, AgreesWithSha256OfTheSame52Bytes) {
  CounterRows rows = key_0_to_31();
  rows.word8 = 7, rows.word10 = 2;
  rows.row_first = 0xfffffff0, rows.row_count = 5;
  rows.group_first = 0x1fe, rows.group_count = 4;
  std::vector<std::uint32_t> words(5 * 4 * 8);
  expand(rows, words);
  for (std::uint32_t row = 0; row < 5; ++row) {
    for (std::uint32_t group = 0; group < 4; ++group) {
      Sha256 hash;
      for (const std::uint32_t word : rows.key) hash.update_u32(word);
      hash.update_u32(7).update_u32(0).update_u32(2).update_u32(rows.row_first + row);
      hash.update_u32(rows.group_first + group);
      Sha256 again;
      for (std::size_t i = 0; i < 8; ++i) again.update_u32(words[(row * 4 + group) * 8 + i]);
      EXPECT_EQ(again.finish(), sha256(hash.finish())) << "row " << row << ", group " << group;
    }
  }
}

TEST(CounterTest, OfNoRowsIsNothing) {
  CounterRows rows;
  rows.group_count = 3;
  expand(rows, {});
}

}  // namespace
}  // namespace calx::hash
