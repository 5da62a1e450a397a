#include "calx/noise/latent.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "calx/hash/sha256.h"
#include "calx/noise/half.h"

namespace calx::noise {
namespace {

constexpr std::uint64_t kSideMax = std::numeric_limits<std::uint32_t>::max();
constexpr std::array<std::string_view, 3> kKinds = {"normal", "uniform", "bits"};
constexpr std::array<std::string_view, 3> kPrecisions = {"f32", "f16", "bf16"};

template <class Word>
Result<Word> parse_word(std::string_view word, std::span<const std::string_view> words,
                        std::string_view what) {
  const auto found = std::ranges::find(words, word);
  if (found != words.end()) return static_cast<Word>(found - words.begin());
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} '{}': wanted {}", what, word, fmt::join(words, ", ")));
}

// Numbers between commas, or nothing when something else stands there.
std::optional<std::vector<std::uint64_t>> parse_numbers(std::string_view text) {
  std::vector<std::uint64_t> numbers;
  for (;;) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const char* const end = text.data() + comma;
    std::uint64_t value = 0;
    const auto [stop, code] = std::from_chars(text.data(), end, value);
    if (code != std::errc{} || stop != end) return std::nullopt;
    numbers.push_back(value);
    if (comma == text.size()) return numbers;
    text.remove_prefix(comma + 1);
  }
}

// [batch, channels, rows, columns] with the leading ones filled in.
struct Extent {
  std::uint64_t batch = 1, channels = 1, rows = 1, columns = 1;
  [[nodiscard]] std::uint64_t member() const { return channels * rows * columns; }
};

Result<Extent> extent_of(std::span<const std::uint64_t> shape) {
  if (shape.empty() || shape.size() > kLatentDimensionsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("shape [{}]: wanted 1 to {} dimensions", fmt::join(shape, ","),
                            kLatentDimensionsMax));
  }
  std::array<std::uint64_t, 4> full = {1, 1, 1, 1};
  std::ranges::copy(shape, full.end() - static_cast<std::ptrdiff_t>(shape.size()));
  std::uint64_t elements = 1;
  for (const std::uint64_t side : full) {
    if (side == 0 || side > kSideMax) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("shape [{}]: side {}, wanted 1 to {}",
                                                           fmt::join(shape, ","), side, kSideMax));
    }
    if (side > kLatentElementsMax / elements) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("shape [{}]: over {} values in all, the limit of one latent",
                              fmt::join(shape, ","), kLatentElementsMax));
    }
    elements *= side;
  }
  return Extent{full[0], full[1], full[2], full[3]};
}

Result<void> check(const LatentRequest& request, const Extent& extent) {
  const auto refuse = [](std::string why) {
    return fail(ErrorCode::kInvalidArgument, std::move(why));
  };
  if (extent.batch - 1 > std::numeric_limits<std::uint64_t>::max() - request.index) {
    return refuse(fmt::format("index {}: a batch of {} passes 2^64", request.index, extent.batch));
  }
  if (request.kind != Kind::kNormal && request.precision != Precision::kF32) {
    return refuse(fmt::format("{} of {} values: wanted f32, the 16-bit types are for normal values",
                              to_string(request.precision), to_string(request.kind)));
  }
  if (request.kind != Kind::kNormal && request.noise.parts().size() != 1) {
    return refuse(fmt::format("variation of {} values: wanted normal ones, which it keeps normal",
                              to_string(request.kind)));
  }
  if (request.packed && (extent.rows % 2 != 0 || extent.columns % 2 != 0)) {
    return refuse(fmt::format("packing {} x {}: wanted even sides", extent.rows, extent.columns));
  }
  return {};
}

template <class T>
void pack(std::span<const T> member, const Extent& extent, T* out) {
  for (std::size_t i = 0; i < extent.rows; i += 2) {
    for (std::size_t j = 0; j < extent.columns; j += 2) {
      for (std::size_t c = 0; c < extent.channels; ++c) {
        const std::size_t top = (c * extent.rows + i) * extent.columns + j;
        *out++ = member[top];
        *out++ = member[top + 1];
        *out++ = member[top + extent.columns];
        *out++ = member[top + extent.columns + 1];
      }
    }
  }
}

Region region_of(const LatentRequest& request, const Extent& extent) {
  return {.channels = static_cast<std::uint32_t>(extent.channels),
          .row_first = request.row_first,
          .rows = static_cast<std::uint32_t>(extent.rows),
          .column_first = request.column_first,
          .columns = static_cast<std::uint32_t>(extent.columns)};
}

// Every member in turn: `draw` fills it with Drawn values, `store` turns them into Stored ones.
template <class Stored, class Drawn, class Draw, class Store>
Result<void> fill(const LatentRequest& request, const Extent& extent, format::Array& latent,
                  Draw draw, Store store) {
  auto* out = reinterpret_cast<Stored*>(latent.bytes.data());
  const std::size_t member = extent.member();
  const bool direct = std::is_same_v<Stored, Drawn> && !request.packed;
  std::vector<Drawn> drawn(direct ? 0 : member);
  std::vector<Stored> stored(request.packed ? member : 0);
  for (std::uint64_t b = 0; b < extent.batch; ++b, out += member) {
    const std::span<Drawn> target =
        direct ? std::span(reinterpret_cast<Drawn*>(out), member) : std::span(drawn);
    CALX_TRY(draw(request.index + b, region_of(request, extent), target));
    if (direct) continue;
    Stored* place = request.packed ? stored.data() : out;
    std::ranges::transform(target, place, store);
    if (request.packed) pack<Stored>(stored, extent, out);
  }
  return {};
}

Result<void> fill_plain(const LatentRequest& request, const Extent& extent, format::Array& latent) {
  const Seed& seed = request.noise.parts()[0].seed;
  const auto same = [](auto value) { return value; };
  if (request.kind == Kind::kBits) {
    return fill<std::uint32_t, std::uint32_t>(
        request, extent, latent,
        [&](std::uint64_t index, const Region& region,
            std::span<std::uint32_t> out) -> Result<void> {
          CALX_ASSIGN(stream, Stream::open(seed, request.stream, index));
          return stream.bits(region, out);
        },
        same);
  }
  return fill<float, float>(
      request, extent, latent,
      [&](std::uint64_t index, const Region& region, std::span<float> out) -> Result<void> {
        CALX_ASSIGN(stream, Stream::open(seed, request.stream, index));
        return stream.uniform(region, out);
      },
      same);
}

Result<void> fill_normal(const LatentRequest& request, const Extent& extent,
                         format::Array& latent) {
  const auto draw = [&request](std::uint64_t index, const Region& region, std::span<float> out) {
    return request.noise.normal(request.stream, index, region, out);
  };
  switch (request.precision) {
    case Precision::kF16:
      return fill<std::uint16_t, float>(request, extent, latent, draw, to_float16);
    case Precision::kBf16:
      return fill<std::uint16_t, float>(request, extent, latent, draw, to_bfloat16);
    default:
      return fill<float, float>(request, extent, latent, draw, [](float f) { return f; });
  }
}

format::Dtype dtype_of(const LatentRequest& request) {
  if (request.kind == Kind::kBits) return format::Dtype::kU32;
  if (request.precision == Precision::kF16) return format::Dtype::kF16;
  return request.precision == Precision::kBf16 ? format::Dtype::kBf16 : format::Dtype::kF32;
}

const std::vector<LatentPreset>& presets() {
  static const std::vector<LatentPreset> rows = {
      {"sd15", {1, 4, 64, 64}, false, "Stable Diffusion 1.x and 2.x, 512 x 512"},
      {"sdxl", {1, 4, 128, 128}, false, "SDXL, 1024 x 1024"},
      {"sd3", {1, 16, 128, 128}, false, "Stable Diffusion 3, 1024 x 1024"},
      {"flux", {1, 16, 128, 128}, false, "Flux.1 before packing, 1024 x 1024"},
      {"flux-packed", {1, 16, 128, 128}, true, "Flux.1 in diffusers, [1,4096,64]"},
      {"seed000-512", {1, 4, 512, 512}, false, "seed 000's own size for 512 x 512"},
      {"seed000-1024", {1, 4, 1024, 1024}, false, "seed 000's own size for 1024 x 1024"},
  };
  return rows;
}

}  // namespace

Result<Kind> parse_kind(std::string_view word) { return parse_word<Kind>(word, kKinds, "kind"); }

Result<Precision> parse_precision(std::string_view word) {
  return parse_word<Precision>(word, kPrecisions, "dtype");
}

std::string_view to_string(Kind kind) noexcept { return kKinds[static_cast<std::size_t>(kind)]; }

std::string_view to_string(Precision precision) noexcept {
  return kPrecisions[static_cast<std::size_t>(precision)];
}

Result<std::vector<std::uint64_t>> parse_shape(std::string_view text) {
  const auto shape = parse_numbers(text);
  if (!shape || shape->size() > kLatentDimensionsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("shape '{}': wanted 1 to {} numbers with commas, such as 1,4,64,64",
                            text, kLatentDimensionsMax));
  }
  CALX_TRY(check_shape(*shape));
  return *shape;
}

Result<std::pair<std::uint32_t, std::uint32_t>> parse_corner(std::string_view text) {
  const auto corner = parse_numbers(text);
  if (!corner || corner->size() != 2 || std::ranges::max(*corner) > kSideMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("tile '{}': wanted ROW,COLUMN below 2^32, such as 64,0", text));
  }
  return std::pair(static_cast<std::uint32_t>(corner->front()),
                   static_cast<std::uint32_t>(corner->back()));
}

Result<void> check_shape(std::span<const std::uint64_t> shape) {
  CALX_TRY(extent_of(shape));
  return {};
}

std::span<const LatentPreset> latent_presets() { return presets(); }

Result<LatentPreset> find_latent_preset(std::string_view name) {
  std::vector<std::string_view> names;
  for (const LatentPreset& preset : presets()) {
    if (preset.name == name) return preset;
    names.push_back(preset.name);
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("preset '{}': wanted {}", name, fmt::join(names, ", ")));
}

Result<format::Array> make_latent(const LatentRequest& request) {
  CALX_ASSIGN(extent, extent_of(request.shape));
  CALX_TRY(check(request, extent));
  try {
    format::Array latent{.dtype = dtype_of(request), .shape = request.shape, .bytes = {}};
    if (request.packed) {
      latent.shape = {extent.batch, extent.rows / 2 * (extent.columns / 2), 4 * extent.channels};
    }
    latent.bytes.resize(extent.batch * extent.member() * format::element_bytes(latent.dtype));
    CALX_TRY(request.kind == Kind::kNormal ? fill_normal(request, extent, latent)
                                           : fill_plain(request, extent, latent));
    return latent;
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("latent [{}]: no memory for it", fmt::join(request.shape, ",")));
  }
}

hash::Digest latent_digest(const format::Array& latent) {
  if constexpr (std::endian::native == std::endian::little) return hash::sha256(latent.bytes);
  hash::Sha256 digest;
  const std::size_t size = format::element_bytes(latent.dtype);
  std::array<std::uint8_t, 8> element{};
  for (std::size_t at = 0; at < latent.bytes.size(); at += size) {
    std::reverse_copy(latent.bytes.data() + at, latent.bytes.data() + at + size, element.data());
    digest.update(std::span(element).first(size));
  }
  return digest.finish();
}

}  // namespace calx::noise
