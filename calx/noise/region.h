// A box of elements of a stream, and the walk over it in pieces that stay in the first-level cache.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "calx/hash/counter.h"
#include "calx/hash/digest.h"

namespace calx::noise {

/// A box of elements: the origin on the infinite canvas and the extent. Shape [channels, rows,
/// columns], row-major. Any tile of any canvas holds the same values at the same coordinates.
struct Region {
  std::uint32_t plane = 0;
  std::uint32_t channel_first = 0, channels = 1;
  std::uint32_t row_first = 0, rows = 1;
  std::uint32_t column_first = 0, columns = 1;

  [[nodiscard]] std::uint64_t elements() const noexcept {
    return std::uint64_t{channels} * rows * columns;
  }
};

/// Words made at once: 8 KiB of words and 8 KiB of values fit any first-level cache.
inline constexpr std::size_t kWalkWords = 2048;

/// Calls sink(words, offset) for consecutive pieces of the region: `words` are the samples of the
/// elements offset .. offset + words.size() - 1 in row-major order. Whole blocks are made; what a
/// region cuts off a block is dropped.
/// \pre region.elements() fits the address space and no coordinate passes 2^32
template <class Sink>
void walk(const hash::State& key, const Region& region, Sink&& sink) {
  alignas(64) std::array<std::uint32_t, kWalkWords> words;
  const std::uint64_t column_end = std::uint64_t{region.column_first} + region.columns;
  const auto group_first = region.column_first / 8;
  const auto groups = static_cast<std::uint32_t>((column_end + 7) / 8 - group_first);
  if (region.elements() == 0) return;
  constexpr auto kGroupsMax = static_cast<std::uint32_t>(kWalkWords / 8);
  const std::uint32_t group_step = std::min(groups, kGroupsMax);
  const std::uint32_t row_step = std::min(region.rows, kGroupsMax / group_step);
  const bool whole =
      region.column_first % 8 == 0 && region.columns % 8 == 0 && groups <= kGroupsMax;

  hash::CounterRows request{.key = key, .word8 = region.plane, .word9 = 0};
  for (std::uint32_t c = 0; c < region.channels; ++c) {
    request.word10 = region.channel_first + c;
    for (std::uint32_t row = 0; row < region.rows; row += request.row_count) {
      request.row_first = region.row_first + row;
      request.row_count = std::min(row_step, region.rows - row);
      const std::size_t row_offset = (std::size_t{c} * region.rows + row) * region.columns;
      for (std::uint32_t g = 0; g < groups; g += request.group_count) {
        request.group_first = group_first + g;
        request.group_count = std::min(group_step, groups - g);
        const std::size_t width = std::size_t{request.group_count} * 8;
        const std::span made(words.data(), width * request.row_count);
        hash::expand(request, made);
        if (whole) {
          sink(std::span<const std::uint32_t>(made), row_offset);
          continue;
        }
        const std::uint64_t made_first = std::uint64_t{request.group_first} * 8;
        const std::uint64_t first = std::max<std::uint64_t>(made_first, region.column_first);
        const std::uint64_t end = std::min(made_first + width, column_end);
        for (std::uint32_t r = 0; r < request.row_count; ++r) {
          const auto piece = made.subspan(r * width + (first - made_first), end - first);
          sink(std::span<const std::uint32_t>(piece),
               row_offset + std::size_t{r} * region.columns + (first - region.column_first));
        }
      }
    }
  }
}

}  // namespace calx::noise
