// What a PNG file says about itself, read before libpng and before memory is taken.
#pragma once

#include <cstdint>
#include <span>

#include "calx/base/result.h"

namespace calx::format {

struct PngOutline {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::size_t texts = 0;  // tEXt, zTXt and iTXt chunks before IEND
};

/// Walks over the chunks without looking inside any but IHDR. It does not check CRCs.
/// Errors: those that parse_png documents for a file that is no PNG, is cut short, is of 16 bits,
/// or is over a limit; and kDataLoss when the file is too short for the pixels it announces, as
/// deflate turns one byte into at most 1,032.
Result<PngOutline> outline_png(std::span<const std::uint8_t> bytes);

}  // namespace calx::format
