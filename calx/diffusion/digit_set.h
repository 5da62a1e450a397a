// Labelled pictures of digits, as training wants them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/noise/seed.h"

namespace calx::diffusion {

inline constexpr int kDigitSide = 32;  // 28 x 28 with a border of two
inline constexpr int kDigitClasses = 10;
inline constexpr std::size_t kDigitsMax = 1'000'000;

struct DigitSet {
  std::string source;                // what it is, for reports
  std::string digest;                // SHA-256 of the grey bytes, then the labels; hex
  std::vector<float> pictures;       // [n, 32, 32] in [-1, 1], background -1
  std::vector<std::int32_t> labels;  // [n], 0..9

  [[nodiscard]] std::size_t size() const noexcept { return labels.size(); }
  [[nodiscard]] std::span<const float> picture(std::size_t i) const noexcept {
    constexpr std::size_t kPixels = std::size_t{kDigitSide} * kDigitSide;
    return std::span(pictures).subspan(i * kPixels, kPixels);
  }
};

/// Grey bytes [n, 28, 28] and labels 0..9.
/// Errors: kInvalidArgument names the size or label that is wrong.
Result<DigitSet> make_digit_set(std::string source, std::span<const std::uint8_t> pixels,
                                std::span<const std::uint8_t> labels);

/// An .npz with arrays `images` u8 [n, 28, 28] and `labels` u8 [n].
/// Errors: those of reading; kDataLoss or kInvalidArgument when the contents are something else.
Result<DigitSet> load_npz_digits(const std::filesystem::path& path);

/// A pair of idx files, plain or gzip.
Result<DigitSet> load_idx_digits(const std::filesystem::path& images,
                                 const std::filesystem::path& labels);

}  // namespace calx::diffusion
