// How hard: the 256-bit number that a double hash, read little-endian, may not exceed.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "calx/base/result.h"
#include "calx/hash/digest.h"

namespace calx::work {

inline constexpr std::uint32_t kWorkBitsMax = 64;  // --work B: 2^64 hashes are 15 days of 14 TH/s

/// A target T of 256 bits. A hash h meets it when h, read as a little-endian integer, is <= T.
class Target {
 public:
  using Bytes = std::array<std::uint8_t, 32>;  // big-endian

  /// 2^256 - 1: every hash meets it.
  Target() noexcept { bytes_.fill(0xff); }
  explicit Target(const Bytes& big_endian) noexcept : bytes_(big_endian) {}

  /// floor(0xFFFF * 2^208 / D) for the difficulty D = numerator / denominator, at most 2^256 - 1.
  /// Errors: kInvalidArgument when either number is 0.
  static Result<Target> from_difficulty(std::uint64_t numerator, std::uint64_t denominator);
  /// The same for the exact binary fraction that `difficulty` is. Errors: kInvalidArgument unless
  /// finite and > 0.
  static Result<Target> from_difficulty(double difficulty);
  /// 2^(256-B) - 1. Errors: kInvalidArgument above kWorkBitsMax.
  static Result<Target> from_work_bits(std::uint32_t bits);
  /// 64 hex digits, most significant first. Errors: kInvalidArgument.
  static Result<Target> parse(std::string_view digits);

  [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool met_by(const hash::Digest& hash) const noexcept;

  /// 2^256 / (T + 1), the mean number of hashes up to the first that meets the target; relative
  /// error below 1e-14.
  [[nodiscard]] double expected_hashes() const noexcept;
  /// floor of the same, in decimal with commas: "1,048,576".
  [[nodiscard]] std::string expected_hashes_text() const;

  /// As numbers: a greater target is easier to meet.
  friend std::strong_ordering operator<=>(const Target&, const Target&) = default;

 private:
  Bytes bytes_{};
};

/// 0xFFFF * 2^208 / hash as a little-endian integer: the difficulty that a share reached.
double share_difficulty(const hash::Digest& hash) noexcept;

}  // namespace calx::work
