// Pixels in memory, and the sheet that shows many of them at once.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"

namespace calx::format {

inline constexpr std::uint32_t kImageSideMax = 16'384;                    // pixels
inline constexpr std::uint64_t kImagePixelsMax = std::uint64_t{1} << 26;  // width * height

struct Image {
  std::uint32_t width = 0;           // pixels, at least 1
  std::uint32_t height = 0;          // pixels, at least 1
  std::uint32_t channels = 0;        // 1 grey, 3 RGB, 4 RGBA (alpha not premultiplied)
  std::vector<std::uint8_t> pixels;  // [height, width, channels], top row first

  friend bool operator==(const Image&, const Image&) = default;
};

/// Errors: kInvalidArgument (a side of 0, channels other than 1, 3, 4, the number of pixels bytes),
/// kResourceExhausted (kImageSideMax, kImagePixelsMax).
Result<void> check(const Image& image);

/// Tiles in reading order, `columns` to a row, `gap` pixels between them and around the sheet.
/// Errors: kInvalidArgument (no tile, no column, tiles of unlike size or channels),
/// kResourceExhausted (a sheet over the limits of Image).
Result<Image> grid(std::span<const Image> tiles, std::uint32_t columns, std::uint32_t gap = 2,
                   std::uint8_t background = 255);

/// Every pixel becomes a square of factor * factor, so that a 28 * 28 digit can be looked at.
/// Errors: kInvalidArgument (factor 0), and those of check.
Result<Image> enlarge(const Image& image, std::uint32_t factor);

}  // namespace calx::format
