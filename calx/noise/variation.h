// Variations: a weighted sum of noises that is again unit noise.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/noise/region.h"
#include "calx/noise/seed.h"
#include "calx/noise/stream.h"

namespace calx::noise {

inline constexpr std::size_t kVariationPartsMax = 64;
/// A weight is 0 or its magnitude lies between 2^-64 and 2^64.
inline constexpr double kWeightMax = 0x1p64;

struct VariationPart {
  Seed seed;
  double weight = 1.0;

  friend bool operator==(const VariationPart&, const VariationPart&) = default;
};

/// "SEED:WEIGHT", such as "hello:0.3"; the last colon divides. Errors: kInvalidArgument when there
/// is none, the weight is no number, or as Seed::parse.
Result<VariationPart> parse_variation_part(std::string_view text);

/// A list of seeds with weights, in the order in which they are summed.
///   value = float32( sum_j a_j x_j ),  a_j = w_j / sqrt(w_1^2 + ... + w_n^2)
/// in float64, each operation rounded, sums from left to right, where x_j is the normal float32 of
/// seed j at the same stream, index and coordinates. Parts of weight 0 are left out, so a list with
/// one weight other than 0 and that one positive copies bit for bit. Unit variance, for seeds that
/// differ.
class Variation {
 public:
  /// Errors: kInvalidArgument for no part, over kVariationPartsMax parts, a weight out of range,
  /// only zero weights.
  static Result<Variation> of(std::vector<VariationPart> parts);
  /// One seed, weight 1: the plain noise.
  static Variation single(Seed seed);

  /// `base` with the weight that the others leave: 1 - w_1 - ... - w_n from left to right, taken as
  /// 0 below 2^-40. Errors: kInvalidArgument when the others' weights sum to more than 1 or one is
  /// negative; those of of().
  static Result<Variation> beside(Seed base, std::vector<VariationPart> others);

  /// The chain of variations: what this one gives, moved by `strength` towards `seed`; 0 keeps this
  /// one, 1 is `seed` alone. The result is one flat list: the normalised weights of this one times
  /// (1 - strength), then `seed` with weight `strength`.
  /// Errors: kInvalidArgument unless 0 <= strength <= 1; those of of().
  [[nodiscard]] Result<Variation> towards(Seed seed, double strength) const;

  /// As given, weight 0 included: what a report records.
  [[nodiscard]] std::span<const VariationPart> parts() const noexcept { return parts_; }
  /// a_j of each part.
  [[nodiscard]] std::span<const double> normalised() const noexcept { return normalised_; }

  /// The value of every element of the region, row-major. Errors: those of Stream::open and
  /// Stream::normal; kResourceExhausted when memory is short.
  Result<void> normal(std::string_view stream, std::uint64_t index, const Region& region,
                      std::span<float> out) const;

 private:
  Variation() = default;
  std::vector<VariationPart> parts_;
  std::vector<double> normalised_;
};

}  // namespace calx::noise
