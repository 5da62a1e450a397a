// Means and covariances of paired activations: all that a linear coupling can be fitted to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/matrix.h"

namespace calx::thermo {

/// Of n pairs (x, d): covariances over n about the means.
struct PairStatistics {
  std::uint64_t count = 0;
  std::vector<double> mean_x, mean_d;
  Matrix xx;  // [Dx, Dx]
  Matrix xd;  // [Dx, Dd]
  Matrix dd;  // [Dd, Dd]
};

/// x [count, units_x] and d [count, units_d], row-major. Sums in double about the means.
/// Errors: kInvalidArgument (sizes, fewer than 2 pairs, a number that is not finite),
/// kResourceExhausted (memory). Cost: count * (Dx + Dd)^2.
Result<PairStatistics> pair_statistics(std::span<const float> x, std::size_t units_x,
                                       std::span<const float> d, std::size_t units_d);

}  // namespace calx::thermo
