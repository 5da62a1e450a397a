#include "calx/receipt/receipt.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "calx/base/assert.h"
#include "calx/hash/sha256.h"
#include "calx/receipt/receipt_json.h"

namespace calx::receipt {
namespace {

// Terminated names: the NUL keeps a name from being the start of another.
constexpr std::string_view kLatentDomain("calx-latent-1\0", 14);
constexpr std::string_view kPixelDomain("calx-pixels-1\0", 14);
constexpr std::uint32_t kDepth = 8;
constexpr std::size_t kChunkValues = 1024;

std::unexpected<Error> wrong(std::string what) {
  return fail(ErrorCode::kInvalidArgument, "receipt: " + std::move(what));
}

// A name, never a way out of the folder of the receipt.
bool plain_file_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kFileNameBytesMax && name != "." && name != ".." &&
         std::ranges::none_of(name, [](char c) {
           return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

Result<void> check(const ReceiptImage& image, const Request& request) {
  if (image.index < request.first_index || image.index - request.first_index >= request.count) {
    return wrong(fmt::format("image {} is outside the request ({} images from {})", image.index,
                             request.count, request.first_index));
  }
  if (image.seed.has_value() == std::holds_alternative<PrivateSeed>(request.identity.seed)) {
    return wrong(fmt::format("image {} {}", image.index,
                             image.seed ? "tells its seed though the request's seed is private"
                                        : "does not tell its seed"));
  }
  if (!plain_file_name(image.file)) {
    return wrong(fmt::format("image {} names a file that is no plain file name", image.index));
  }
  const auto& latent = image.latent;
  const auto side = [](std::uint32_t value) { return value >= 1 && value <= kLatentSideMax; };
  if (!side(latent.channels) || !side(latent.rows) || !side(latent.columns) ||
      std::uint64_t{latent.channels} * latent.rows * latent.columns > kLatentElementsMax) {
    return wrong(fmt::format("image {} has a latent of {}x{}x{}, wanted at most {} elements",
                             image.index, latent.channels, latent.rows, latent.columns,
                             kLatentElementsMax));
  }
  const auto& pixels = image.pixels;
  if (pixels.width != request.identity.width || pixels.height != request.identity.height) {
    return wrong(fmt::format("image {} is {}x{}, the request says {}x{}", image.index, pixels.width,
                             pixels.height, request.identity.width, request.identity.height));
  }
  if ((pixels.channels != 1 && pixels.channels != 3 && pixels.channels != 4) ||
      pixels.depth != kDepth) {
    return wrong(fmt::format("image {} has {} channels of {} bits, wanted 1, 3 or 4 of {}",
                             image.index, pixels.channels, pixels.depth, kDepth));
  }
  return {};
}

Result<void> check_texts(const Receipt& receipt) {
  if (receipt.signer.size() > kMadeTextBytesMax) {
    return wrong(fmt::format("the signer's name has {} bytes, wanted at most {}",
                             receipt.signer.size(), kMadeTextBytesMax));
  }
  if (receipt.made.size() > kMadeEntriesMax) {
    return wrong(fmt::format("'made' has {} entries, wanted at most {}", receipt.made.size(),
                             kMadeEntriesMax));
  }
  for (const auto& [key, value] : receipt.made) {
    if (key.size() > kMadeTextBytesMax || value.size() > kMadeTextBytesMax) {
      return wrong(fmt::format("an entry of 'made' has more than {} bytes", kMadeTextBytesMax));
    }
  }
  return {};
}

}  // namespace

Result<void> check(const Receipt& receipt) {
  CALX_TRY(check(receipt.request));
  if (receipt.images.empty()) return wrong("no image in it");
  for (std::size_t i = 0; i < receipt.images.size(); ++i) {
    CALX_TRY(check(receipt.images[i], receipt.request));
    if (i > 0 && receipt.images[i].index <= receipt.images[i - 1].index) {
      return wrong(fmt::format("image {} follows image {}, wanted ascending indices",
                               receipt.images[i].index, receipt.images[i - 1].index));
    }
  }
  return check_texts(receipt);
}

hash::Digest latent_digest(std::uint32_t channels, std::uint32_t rows, std::uint32_t columns,
                           std::span<const float> values) {
  CALX_ASSERT(values.size() == std::uint64_t{channels} * rows * columns);
  hash::Sha256 digest;
  digest.update(kLatentDomain).update_u32(channels).update_u32(rows).update_u32(columns);
  std::array<std::uint8_t, 4 * kChunkValues> bytes;
  while (!values.empty()) {
    const std::size_t count = std::min(values.size(), kChunkValues);
    for (std::size_t i = 0; i < count; ++i) {
      const auto word = std::bit_cast<std::uint32_t>(values[i]);
      for (std::size_t b = 0; b < 4; ++b) {
        bytes[4 * i + b] = static_cast<std::uint8_t>(word >> (24 - 8 * b));
      }
    }
    digest.update(std::span<const std::uint8_t>(bytes).first(4 * count));
    values = values.subspan(count);
  }
  return digest.finish();
}

hash::Digest pixel_digest(const format::Image& image) {
  return hash::Sha256()
      .update(kPixelDomain)
      .update_u32(image.width)
      .update_u32(image.height)
      .update_u32(image.channels)
      .update_u32(kDepth)
      .update(image.pixels)
      .finish();
}

Result<std::string> signed_bytes(const Receipt& receipt) {
  CALX_ASSIGN(json, unsigned_json(receipt));
  CALX_ASSIGN(text, format::encode_canonical_json(json));
  return "calx-receipt-1\n" + text;
}

Result<void> sign(Receipt& receipt, const SigningKey& key) {
  receipt.public_key = key.public_key();
  CALX_ASSIGN(bytes, signed_bytes(receipt));
  receipt.signature = key.sign(bytes);
  return {};
}

Result<Receipt> only_image(const Receipt& receipt, std::uint64_t index) {
  const auto image = std::ranges::find(receipt.images, index, &ReceiptImage::index);
  if (image == receipt.images.end()) {
    return fail(ErrorCode::kNotFound, fmt::format("the receipt holds no image {}", index));
  }
  Receipt one = receipt;
  one.images = {*image};
  one.signature = {};
  return one;
}

Result<std::string> encode_canonical(const Receipt& receipt) {
  CALX_ASSIGN(json, to_json(receipt));
  return format::encode_canonical_json(json);
}

Result<std::string> encode_pretty(const Receipt& receipt) {
  CALX_ASSIGN(json, to_json(receipt));
  return format::encode_pretty_json(json);
}

Result<Receipt> parse_receipt(std::string_view text) {
  CALX_ASSIGN(json, format::parse_json(text, kReceiptBytesMax));
  return receipt_from_json(json);
}

}  // namespace calx::receipt
