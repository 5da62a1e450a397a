// One measurement's worth of counter mode: the rows, and room for what both sides write.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/pair.h"
#include "calx/hash/counter.h"
#include "calx/hash/digest.h"

namespace calx::bench {

inline constexpr std::uint32_t kRows = 64, kGroups = 128;
inline constexpr std::size_t kBlocks = std::size_t{kRows} * kGroups;  // 256 KiB: stays in L2

/// Rows whose key follows from the salt.
inline hash::CounterRows counter_rows(std::uint64_t salt) {
  hash::CounterRows rows{
      .word10 = 3, .row_first = 5, .row_count = kRows, .group_first = 7, .group_count = kGroups};
  for (std::uint32_t i = 0; i < 8; ++i)
    rows.key[i] = static_cast<std::uint32_t>(salt * 0x9e3779b97f4a7c15u >> 32) + i;
  return rows;
}

struct CounterPanel {
  std::vector<std::uint32_t> words = std::vector<std::uint32_t>(kBlocks * 8);
  std::vector<hash::Digest> digests = std::vector<hash::Digest>(kBlocks);

  /// Ours, `rounds` times kBlocks blocks.
  Spent expand(std::uint64_t rounds, std::uint64_t salt) {
    return timed([&] {
      for (std::uint64_t i = 0; i < rounds; ++i) hash::expand(counter_rows(salt + i), words);
    });
  }
};

}  // namespace calx::bench
