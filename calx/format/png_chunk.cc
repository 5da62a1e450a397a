#include "calx/format/png_chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "calx/format/byte_order.h"
#include "calx/format/image.h"
#include "calx/format/png.h"

namespace calx::format {
namespace {

constexpr std::array<std::uint8_t, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t kHeaderBytes = 13;
constexpr std::size_t kFrameBytes = 12;  // length, type and CRC around a chunk's data
constexpr std::uint64_t kDeflateRatioMax = 1'032;

std::uint32_t u32(std::span<const std::uint8_t> bytes, std::size_t at) noexcept {
  return load<std::uint32_t>(bytes.subspan(at), std::endian::big);
}

std::uint64_t channels_of(std::uint8_t colour_type) noexcept {
  switch (colour_type) {
    case 2:
      return 3;  // RGB
    case 4:
      return 2;  // grey with alpha
    case 6:
      return 4;  // RGBA
    default:
      return 1;
  }
}

Result<PngOutline> read_header(std::span<const std::uint8_t> data, std::uint64_t file_bytes) {
  PngOutline outline{u32(data, 0), u32(data, 4), 0};
  const std::uint8_t depth = data[8];
  const std::uint64_t pixels = std::uint64_t{outline.width} * outline.height;
  if (outline.width > kImageSideMax || outline.height > kImageSideMax || pixels > kImagePixelsMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("PNG of {} x {} pixels, wanted sides of at most {} and at most {} "
                            "pixels",
                            outline.width, outline.height, kImageSideMax, kImagePixelsMax));
  }
  if (depth == 16) {
    return fail(ErrorCode::kUnimplemented, "PNG of 16 bits a channel, wanted at most 8");
  }
  const std::uint64_t raw_bytes = pixels * channels_of(data[9]) * depth / 8;
  if (raw_bytes > kDeflateRatioMax * file_bytes) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("PNG of {} x {} pixels in a file of {} bytes, too short to hold them",
                            outline.width, outline.height, file_bytes));
  }
  return outline;
}

}  // namespace

Result<PngOutline> outline_png(std::span<const std::uint8_t> bytes) {
  const std::size_t first = kSignature.size();
  if (bytes.size() < first || !std::equal(kSignature.begin(), kSignature.end(), bytes.begin())) {
    return fail(ErrorCode::kInvalidArgument, "not a PNG file: it lacks the signature");
  }
  PngOutline outline;
  for (std::size_t at = first; bytes.size() - at >= kFrameBytes;) {
    const std::uint32_t length = u32(bytes, at);
    const std::string_view type(reinterpret_cast<const char*>(bytes.data()) + at + 4, 4);
    if (bytes.size() - at - kFrameBytes < length) break;
    if ((at == first) != (type == "IHDR") || (type == "IHDR" && length != kHeaderBytes)) {
      return fail(ErrorCode::kInvalidArgument, "PNG: one IHDR of 13 bytes must come first");
    }
    if (type == "IHDR") {
      CALX_ASSIGN(header, read_header(bytes.subspan(at + 8, kHeaderBytes), bytes.size()));
      outline = header;
    }
    if (type == "IEND") return outline;
    if (type == "tEXt" || type == "zTXt" || type == "iTXt") {
      if (length > kPngTextBytesMax || ++outline.texts > kPngTextsMax) {
        return fail(ErrorCode::kResourceExhausted,
                    fmt::format("PNG: text {} of {} bytes, wanted at most {} texts of at most {}",
                                outline.texts, length, kPngTextsMax, kPngTextBytesMax));
      }
    }
    at += kFrameBytes + length;
  }
  return fail(ErrorCode::kDataLoss, "PNG: the file ends before its IEND chunk");
}

}  // namespace calx::format
