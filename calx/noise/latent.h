// A latent: the noise tensor that a diffusion model starts from, whole or as a tile.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/format/array.h"
#include "calx/hash/digest.h"
#include "calx/noise/variation.h"

namespace calx::noise {

/// Elements of one latent in all: 1 GiB of float32.
inline constexpr std::uint64_t kLatentElementsMax = std::uint64_t{1} << 28;
inline constexpr std::size_t kLatentDimensionsMax = 4;
/// A latent is always computed here, whatever machine stamped its seed.
inline constexpr Origin kLatentOrigin = Origin::kSoftware;

enum class Kind : std::uint8_t { kNormal, kUniform, kBits };
enum class Precision : std::uint8_t { kF32, kF16, kBf16 };

/// "normal", "uniform", "bits"; "f32", "f16", "bf16". Errors: kInvalidArgument for other words.
Result<Kind> parse_kind(std::string_view word);
Result<Precision> parse_precision(std::string_view word);
std::string_view to_string(Kind kind) noexcept;
std::string_view to_string(Precision precision) noexcept;

/// "1,4,64,64" -> {1, 4, 64, 64}. Errors: kInvalidArgument unless 1 to 4 numbers from 1 to 2^32-1
/// whose product is at most kLatentElementsMax (kResourceExhausted).
Result<std::vector<std::uint64_t>> parse_shape(std::string_view text);

/// "13,21" -> row 13, column 21. Errors: kInvalidArgument unless two numbers below 2^32.
Result<std::pair<std::uint32_t, std::uint32_t>> parse_corner(std::string_view text);

/// Errors: as parse_shape.
Result<void> check_shape(std::span<const std::uint64_t> shape);

struct LatentPreset {
  std::string_view name;
  std::vector<std::uint64_t> shape;  // [batch, channels, rows, columns]
  bool packed;                       // as LatentRequest::packed
  std::string_view use;              // which models at which picture size
};

/// sd15, sdxl, sd3, flux, flux-packed, seed000-512, seed000-1024.
std::span<const LatentPreset> latent_presets();
/// Errors: kInvalidArgument names the presets there are.
Result<LatentPreset> find_latent_preset(std::string_view name);

struct LatentRequest {
  Variation noise = Variation::single(Seed());
  std::string stream = "init";
  std::uint64_t index = 0;  // of the first batch member; member b is image index + b
  /// [batch, channels, rows, columns]; the leading ones may be left out and are then 1.
  std::vector<std::uint64_t> shape;
  /// 2 x 2 patches become channels, as diffusers packs Flux latents:
  /// [B, C, H, W] -> [B, H/2 * W/2, 4C], element [b, i * W/2 + j, 4c + 2y + x] = [b, c, 2i+y,
  /// 2j+x].
  bool packed = false;
  std::uint32_t row_first = 0, column_first = 0;  // where a tile begins on the canvas
  Kind kind = Kind::kNormal;
  Precision precision = Precision::kF32;
};

/// The values of the request: float32 or the 16-bit float nearest to it; uint32 for bits. Normal
/// values have unit variance and are not scaled by any schedule. Shape as asked, or packed.
/// Member b of a batch is bit for bit the latent of index + b alone.
/// Errors: kInvalidArgument (shape, stream name, a coordinate or an index out of range, odd sides
/// to pack, a variation or a 16-bit type of other values than normal ones), kResourceExhausted
/// (over kLatentElementsMax, memory).
Result<format::Array> make_latent(const LatentRequest& request);

/// SHA-256 of the values, little-endian, in C order: the same on every machine.
hash::Digest latent_digest(const format::Array& latent);

}  // namespace calx::noise
