// How sure a figure is: resampling with addressed noise, and intervals.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/noise/seed.h"

namespace calx::eval {

struct Interval {
  double low = 0.0;
  double high = 0.0;

  [[nodiscard]] double half_width() const noexcept { return (high - low) / 2; }
  /// True when the whole interval lies within [-bound, bound].
  [[nodiscard]] bool within(double bound) const noexcept { return low >= -bound && high <= bound; }
};

/// Draws items with replacement, within strata: a replicate holds as many items of each stratum as
/// the data do. Two arms whose items are paired take the same counts (a paired bootstrap).
/// Replicate r depends on (seed, stream name, r) alone. An item is picked as floor(w n / 2^32) of a
/// 32-bit word w, so no item is favoured by more than n / 2^32.
/// Source: Efron and Tibshirani 1993, chapters 6 and 8.
class Resampler {
 public:
  /// `strata[i]` is the stratum of item i; all equal means one stratum.
  /// Errors: kInvalidArgument (no items, or a stream name that noise::Stream refuses).
  static Result<Resampler> create(const noise::Seed& seed, std::string_view stream,
                                  std::span<const std::int32_t> strata);

  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }

  /// counts[i] = how often item i was drawn. \pre counts.size() == size()
  Result<void> draw(std::uint64_t replicate, std::span<std::uint32_t> counts) const;

 private:
  struct Stratum {
    std::size_t first, count;  // of items_
  };
  noise::Seed seed_;
  std::string stream_;
  std::vector<std::uint32_t> items_;  // by stratum
  std::vector<Stratum> strata_;
};

/// The quantile of `values` at p in [0, 1], linear between order statistics (type 7 of Hyndman and
/// Fan 1996). \pre values is not empty
double quantile(std::vector<double> values, double p);

/// The middle `confidence` of the replicates. \pre not empty, 0 < confidence < 1
Interval percentile_interval(std::span<const double> replicates, double confidence);

/// Standard deviation with n - 1; 0 below two values.
double standard_deviation(std::span<const double> values) noexcept;

/// Wilson's score interval of a proportion: `hits` of `trials` at 95 %. \pre 0 <= hits <= trials
/// and trials > 0. Source: Wilson 1927.
Interval wilson_interval(std::int64_t hits, std::int64_t trials) noexcept;

}  // namespace calx::eval
