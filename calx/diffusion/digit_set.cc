#include "calx/diffusion/digit_set.h"

#include <fmt/format.h>

#include <new>

#include "calx/base/atomic_file.h"
#include "calx/base/hex.h"
#include "calx/format/idx.h"
#include "calx/format/npz.h"
#include "calx/hash/sha256.h"

namespace calx::diffusion {
namespace {

constexpr std::size_t kInnerSide = 28;
constexpr std::size_t kBorder = 2;
constexpr std::uint64_t kFileBytesMax = std::uint64_t{1} << 30;

Result<DigitSet> from_arrays(const std::string& source, const format::Array& images,
                             const format::Array& labels) {
  CALX_ASSIGN(pixels, format::view<std::uint8_t>(images));
  CALX_ASSIGN(classes, format::view<std::uint8_t>(labels));
  if (images.shape.size() != 3 || images.shape[1] != kInnerSide || images.shape[2] != kInnerSide) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: pictures are not [n, 28, 28]", source));
  }
  return make_digit_set(source, pixels, classes);
}

}  // namespace

Result<DigitSet> make_digit_set(std::string source, std::span<const std::uint8_t> pixels,
                                std::span<const std::uint8_t> labels) {
  constexpr std::size_t side = kDigitSide;
  const std::size_t count = labels.size();
  if (count == 0 || count > kDigitsMax || pixels.size() != count * kInnerSide * kInnerSide) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: {} labels and {} pixels, wanted 1 to {} pictures of 28 x 28",
                            source, count, pixels.size(), kDigitsMax));
  }
  DigitSet set;
  try {
    set.pictures.assign(count * side * side, -1.0F);
    set.labels.reserve(count);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("{}: {} pictures do not fit in memory", source, count));
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (labels[i] >= kDigitClasses) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: label {} is {}, wanted 0 to 9", source, i, labels[i]));
    }
    set.labels.push_back(labels[i]);
    for (std::size_t p = 0; p < kInnerSide * kInnerSide; ++p) {
      const std::size_t row = p / kInnerSide + kBorder, column = p % kInnerSide + kBorder;
      set.pictures[(i * side + row) * side + column] =
          static_cast<float>(pixels[i * kInnerSide * kInnerSide + p]) / 127.5F - 1.0F;
    }
  }
  set.source = std::move(source);
  set.digest = to_hex(hash::Sha256().update(pixels).update(labels).finish());
  return set;
}

Result<DigitSet> load_npz_digits(const std::filesystem::path& path) {
  CALX_ASSIGN(bytes, read_file(path, kFileBytesMax));
  CALX_ASSIGN(arrays, format::parse_npz(bytes));
  const auto* images = format::find(arrays, "images");
  const auto* labels = format::find(arrays, "labels");
  if (images == nullptr || labels == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: no arrays named images and labels", path.string()));
  }
  return from_arrays(path.filename().string(), *images, *labels);
}

Result<DigitSet> load_idx_digits(const std::filesystem::path& images,
                                 const std::filesystem::path& labels) {
  CALX_ASSIGN(image_bytes, read_file(images, kFileBytesMax));
  CALX_ASSIGN(label_bytes, read_file(labels, kFileBytesMax));
  CALX_ASSIGN(pixels, format::parse_idx(image_bytes));
  CALX_ASSIGN(classes, format::parse_idx(label_bytes));
  return from_arrays(images.filename().string(), pixels, classes);
}

}  // namespace calx::diffusion
