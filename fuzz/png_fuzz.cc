// Any bytes as a PNG; then the same bytes with every CRC put right, or no mutation would get past
// the first chunk. What is read is written and read back the same.
#include <zlib.h>

#include <vector>

#include "calx/base/assert.h"
#include "calx/format/png.h"

namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint32_t u32(const Bytes& bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24 |
         static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

Bytes with_right_crcs(Bytes bytes) {
  constexpr std::size_t kSignatureBytes = 8, kFrameBytes = 12;
  for (std::size_t at = kSignatureBytes; at + kFrameBytes <= bytes.size();) {
    const std::size_t length = u32(bytes, at);
    if (length > bytes.size() - at - kFrameBytes) break;
    const auto crc = crc32_z(0, bytes.data() + at + 4, length + 4);
    for (std::size_t i = 0; i < 4; ++i) {
      bytes[at + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    }
    at += kFrameBytes + length;
  }
  return bytes;
}

void parse(std::span<const std::uint8_t> bytes) {
  const auto png = calx::format::parse_png(bytes);
  if (!png) return;
  const auto encoded = calx::format::encode_png(png->image, png->texts);
  // Keywords and NULs that another program wrote are read, but not written.
  if (!encoded) return;
  const auto again = calx::format::parse_png(*encoded);
  CALX_ASSERT(again && again->image == png->image);
  CALX_ASSERT(again->texts.size() == png->texts.size());
  for (std::size_t i = 0; i < png->texts.size(); ++i) {
    CALX_ASSERT(again->texts[i].text == png->texts[i].text);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A wide picture costs memory, not insight.
  constexpr std::size_t kWidthHighBytes = 16, kHeightHighBytes = 20;
  for (const std::size_t at : {kWidthHighBytes, kHeightHighBytes}) {
    if (size > at + 2 && (data[at] != 0 || data[at + 1] != 0 || data[at + 2] > 3)) {
      parse({data, size});
      return 0;
    }
  }
  parse({data, size});
  parse(with_right_crcs(Bytes(data, data + size)));
  return 0;
}
