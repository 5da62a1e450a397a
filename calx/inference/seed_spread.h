// A figure measured under several seeds: its mean, and how far the seeds spread it.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace calx::inference {

/// 95 % interval of the mean by Student's t; `half_width` 0 for one value.
struct SeedSpread {
  double mean = 0, half_width = 0, least = 0, largest = 0;
  std::size_t seeds = 0;
};
/// \pre values is not empty
SeedSpread spread_of(std::span<const double> values) noexcept;

/// "0.9957 +- 0.0003", or the mean alone for one seed; "-" for no number.
std::string text_of(const SeedSpread& spread, int decimals);

}  // namespace calx::inference
