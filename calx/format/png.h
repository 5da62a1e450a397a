// PNG files and the texts inside them, where an image carries its parameters and its receipt.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/image.h"

namespace calx::format {

inline constexpr std::string_view kPngReceiptKeyword = "calx-receipt";  // calx-receipt-1 JSON, iTXt
inline constexpr std::string_view kPngParametersKeyword = "parameters";  // A1111's line, tEXt

inline constexpr std::uint64_t kPngTextBytesMax = 4'194'304;  // of one text, inflated
inline constexpr std::uint64_t kPngTextsMax = 64;

enum class PngChunk : std::uint8_t {
  kText,           // tEXt, Latin-1: what other programs look for
  kInternational,  // iTXt, UTF-8, not compressed
};

struct PngText {
  std::string keyword;  // 1 to 79 printable Latin-1 characters, no space at the ends or doubled
  std::string text;     // UTF-8 without NUL
  PngChunk chunk = PngChunk::kText;

  friend bool operator==(const PngText&, const PngText&) = default;
};

struct Png {
  Image image;
  std::vector<PngText> texts;  // in the order of the file
};

/// An 8-bit PNG, texts before the pixels. The same image and texts give the same bytes with the
/// same zlib; another zlib may pack them differently, so digests cover pixels, not files.
/// A kText that is not Latin-1 is written as iTXt, as Pillow and therefore A1111 do.
/// Errors: kInvalidArgument (check(image), keyword, text), kResourceExhausted (limits, memory).
Result<std::vector<std::uint8_t>> encode_png(const Image& image,
                                             std::span<const PngText> texts = {});

/// Grey, RGB and RGBA of 8 bits as they are; fewer bits and palettes are expanded, transparency and
/// grey with alpha become RGBA; interlaced files too. Texts of tEXt, zTXt and iTXt come as UTF-8.
/// Errors: kInvalidArgument (no PNG), kDataLoss (cut short, CRC, bad stream), kUnimplemented (16
/// bits a channel), kResourceExhausted (limits above and of Image; checked before memory is taken).
/// It applies no gamma and no colour profile.
Result<Png> parse_png(std::span<const std::uint8_t> bytes);

/// The text of the first chunk with this keyword, or null.
const std::string* find_text(const Png& png, std::string_view keyword) noexcept;

}  // namespace calx::format
