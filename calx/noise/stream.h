// A named stream of calx-noise-1: element = f(seed, stream, index, plane, channel, row, column).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "calx/base/result.h"
#include "calx/hash/digest.h"
#include "calx/noise/region.h"
#include "calx/noise/seed.h"

namespace calx::noise {

inline constexpr std::size_t kStreamNameBytesMax = 64;
/// Channels, rows and columns of a tensor, each; and elements in all (f32: 16 GiB).
inline constexpr std::uint64_t kElementsMax = 1ull << 32;

/// The key K of one stream of one image, and the three readings of its words.
class Stream {
 public:
  /// K = SHA256("calx-noise-1\0" || u8 type || u32 length || seed || u32 length || name || u64
  /// index). Errors: kInvalidArgument unless `name` is 1..64 printable ASCII characters.
  static Result<Stream> open(const Seed& seed, std::string_view name, std::uint64_t index);

  [[nodiscard]] const hash::State& key() const noexcept { return key_; }

  /// Raw 32-bit words / uniform on [-1, 1] (seed 000, 4.3) / N(0, 1) for every element of the
  /// region, row-major. The same bits for every kernel, compiler, machine, tile and batch.
  /// Errors: kInvalidArgument when out.size() != region.elements() or a coordinate passes 2^32.
  Result<void> bits(const Region& region, std::span<std::uint32_t> out) const;
  Result<void> uniform(const Region& region, std::span<float> out) const;
  Result<void> normal(const Region& region, std::span<float> out) const;

 private:
  explicit Stream(const hash::State& key) noexcept : key_(key) {}
  hash::State key_;
};

}  // namespace calx::noise
