// Counter mode: the 52-byte blocks of calx-noise-1, many rows a call.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace calx::hash {

/// Which blocks: rows row_first .. row_first + row_count - 1, and in each row the column groups
/// group_first .. group_first + group_count - 1.
struct CounterRows {
  std::array<std::uint32_t, 8> key{};  // message words 0..7
  std::uint32_t word8 = 0;             // plane
  std::uint32_t word9 = 0;             // always 0 in calx-noise-1
  std::uint32_t word10 = 0;            // channel
  std::uint32_t row_first = 0;         // message word 11 of the first row
  std::uint32_t row_count = 0;
  std::uint32_t group_first = 0;  // message word 12 of the first block of each row
  std::uint32_t group_count = 0;
};

/// Writes the eight digest words of SHA-256(key || word8 || word9 || word10 || row || group), a
/// message of 52 bytes (all words big-endian), for each block; shape [row_count, group_count, 8],
/// host integers.
///
/// \pre  words.size() == row_count * group_count * 8; no row or group counter wraps round 2^32
/// Cost: one compression a block, 12 of its 64 rounds folded into the row.
/// Source: reference text of calx-noise-1, docs/protocol/noise.md.
void expand(const CounterRows& rows, std::span<std::uint32_t> words) noexcept;

}  // namespace calx::hash
