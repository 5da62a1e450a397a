// Everything that a stranger needs to check, offline, what was made, from which seed, with which
// work, and what the signer says about who did it. Format calx-receipt-1.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/format/image.h"
#include "calx/hash/digest.h"
#include "calx/receipt/identity.h"
#include "calx/receipt/signature.h"
#include "calx/work/request_tree.h"
#include "calx/work/stamp.h"

namespace calx::receipt {

inline constexpr std::string_view kReceiptFormat = "calx-receipt-1";
inline constexpr std::uint64_t kReceiptBytesMax = 16'777'216;
inline constexpr std::uint32_t kLatentSideMax = 16'384;
inline constexpr std::uint64_t kLatentElementsMax = std::uint64_t{1} << 26;
inline constexpr std::size_t kMadeEntriesMax = 32;
inline constexpr std::size_t kMadeTextBytesMax = 512;  // of a key, a value, the signer's name
inline constexpr std::size_t kFileNameBytesMax = 255;

/// The initial latent of one image: normal values of stream `init`, plane 0, from row and column 0.
struct LatentClaim {
  std::uint32_t channels = 1, rows = 1, columns = 1;
  hash::Digest digest{};  // latent_digest()
  friend bool operator==(const LatentClaim&, const LatentClaim&) = default;
};

struct PixelClaim {
  std::uint32_t width = 1, height = 1, channels = 1;
  std::uint32_t depth = 8;  // bits of a sample
  hash::Digest digest{};    // pixel_digest()
  friend bool operator==(const PixelClaim&, const PixelClaim&) = default;
};

struct ReceiptImage {
  std::uint64_t index = 0;
  std::optional<hash::Digest> seed = {};  // image_seed(); told unless the seed is private
  LatentClaim latent = {};
  PixelClaim pixels = {};
  std::string file = {};  // name of the PNG beside the receipt; no folder
  friend bool operator==(const ReceiptImage&, const ReceiptImage&) = default;
};

struct Receipt {
  Request request = {};
  hash::Digest commitment{};  // commitment(request)
  work::TreePath path = {};
  work::Stamp stamp = {};  // its origin prints as "signer says"
  std::vector<ReceiptImage> images =
      {};  // index ascending, inside the request's range; at least one
  Origin noise_origin = Origin::kSoftware;
  Origin compute_origin = Origin::kSoftware;
  std::string signer = {};                       // what the signer calls itself; may be empty
  std::map<std::string, std::string> made = {};  // software, versions, machine: informative
  PublicKey public_key{};
  Signature signature{};

  friend bool operator==(const Receipt&, const Receipt&) = default;
};

/// Sizes, order and agreement of the fields; no claim. Errors: kInvalidArgument, naming the field.
Result<void> check(const Receipt& receipt);

/// SHA256("calx-latent-1\0" || u32 channels || u32 rows || u32 columns || f32 values, big-endian).
/// \pre values.size() == channels * rows * columns
hash::Digest latent_digest(std::uint32_t channels, std::uint32_t rows, std::uint32_t columns,
                           std::span<const float> values);

/// SHA256("calx-pixels-1\0" || u32 width || u32 height || u32 channels || u32 8 || rows). It covers
/// the pixels, not the PNG file around them.
hash::Digest pixel_digest(const format::Image& image);

/// Sets public_key and signature. Signed is "calx-receipt-1\n" followed by the RFC 8785 form
/// without `signature`. Errors: kInvalidArgument (a field out of its limits).
Result<void> sign(Receipt& receipt, const SigningKey& key);

/// The bytes that `signature` covers.
Result<std::string> signed_bytes(const Receipt& receipt);

/// The receipt of one image alone, not yet signed: what its PNG carries.
/// Errors: kNotFound when no image has this index.
Result<Receipt> only_image(const Receipt& receipt, std::uint64_t index);

/// On one line (RFC 8785, for a PNG) and for people (receipt.json).
Result<std::string> encode_canonical(const Receipt& receipt);
Result<std::string> encode_pretty(const Receipt& receipt);

/// Strict: unknown, missing or duplicate keys, kinds, limits, order. It checks no claim.
/// Errors: kInvalidArgument and kResourceExhausted name the place; a newer format is kUnimplemented
/// and names both versions.
Result<Receipt> parse_receipt(std::string_view text);

}  // namespace calx::receipt
