#include "calx/format/image.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace calx::format {
namespace {

Result<void> check_limits(std::uint64_t width, std::uint64_t height) {
  if (width <= kImageSideMax && height <= kImageSideMax && width * height <= kImagePixelsMax) {
    return {};
  }
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("image of {} x {} pixels, wanted sides of at most {} and at most {} "
                          "pixels",
                          width, height, kImageSideMax, kImagePixelsMax));
}

/// An image of one value. Takes 64-bit sides, so that a sum of tiles cannot wrap.
Result<Image> filled(std::uint64_t width, std::uint64_t height, std::uint32_t channels,
                     std::uint8_t value) {
  CALX_TRY(check_limits(width, height));
  try {
    return Image{static_cast<std::uint32_t>(width), static_cast<std::uint32_t>(height), channels,
                 std::vector<std::uint8_t>(width * height * channels, value)};
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("image of {} x {} pixels does not fit in memory", width, height));
  }
}

}  // namespace

Result<void> check(const Image& image) {
  if (image.width == 0 || image.height == 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("image of {} x {} pixels, wanted sides of at least 1", image.width,
                            image.height));
  }
  if (image.channels != 1 && image.channels != 3 && image.channels != 4) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("image with {} channels, wanted 1, 3 or 4", image.channels));
  }
  CALX_TRY(check_limits(image.width, image.height));
  const std::uint64_t pixels = std::uint64_t{image.width} * image.height;
  if (image.pixels.size() != pixels * image.channels) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("image of {} x {} x {}: {} bytes, wanted {}", image.width, image.height,
                            image.channels, image.pixels.size(), pixels * image.channels));
  }
  return {};
}

Result<Image> grid(std::span<const Image> tiles, std::uint32_t columns, std::uint32_t gap,
                   std::uint8_t background) {
  if (tiles.empty() || columns == 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("grid of {} tiles in {} columns, wanted at least one of each",
                            tiles.size(), columns));
  }
  const Image& first = tiles[0];
  for (const Image& tile : tiles) {
    CALX_TRY(check(tile));
    if (tile.width != first.width || tile.height != first.height ||
        tile.channels != first.channels) {
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("grid: a tile of {} x {} x {} beside one of {} x {} x {}", tile.width,
                      tile.height, tile.channels, first.width, first.height, first.channels));
    }
  }
  const std::uint64_t across = std::min<std::uint64_t>(columns, tiles.size());
  const std::uint64_t down = (tiles.size() + across - 1) / across;
  const std::uint64_t step_x = std::uint64_t{first.width} + gap;
  const std::uint64_t step_y = std::uint64_t{first.height} + gap;
  CALX_ASSIGN(sheet,
              filled(across * step_x + gap, down * step_y + gap, first.channels, background));
  const std::size_t row_bytes = std::size_t{first.width} * first.channels;
  for (std::size_t i = 0; i < tiles.size(); ++i) {
    const std::uint64_t x = gap + (i % across) * step_x;
    const std::uint64_t y = gap + (i / across) * step_y;
    for (std::size_t row = 0; row < first.height; ++row) {
      std::memcpy(sheet.pixels.data() + ((y + row) * sheet.width + x) * first.channels,
                  tiles[i].pixels.data() + row * row_bytes, row_bytes);
    }
  }
  return std::move(sheet);
}

Result<Image> enlarge(const Image& image, std::uint32_t factor) {
  CALX_TRY(check(image));
  if (factor == 0) {
    return fail(ErrorCode::kInvalidArgument, "enlarge by 0, wanted at least 1");
  }
  CALX_ASSIGN(large, filled(std::uint64_t{image.width} * factor,
                            std::uint64_t{image.height} * factor, image.channels, 0));
  const std::size_t channels = image.channels;
  std::uint8_t* to = large.pixels.data();
  for (std::size_t y = 0; y < large.height; ++y) {
    const std::uint8_t* const row = image.pixels.data() + (y / factor) * image.width * channels;
    for (std::size_t x = 0; x < large.width; ++x, to += channels) {
      std::memcpy(to, row + (x / factor) * channels, channels);
    }
  }
  return std::move(large);
}

}  // namespace calx::format
