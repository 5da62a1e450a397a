// The equilibrium mean of a substrate under many inputs: what a machine would answer without
// thermal noise.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/coupling_fit.h"
#include "calx/thermo/substrate.h"

namespace calx::inference {

/// Rows of bias that are added to the free units of one module, the others getting none.
struct ModuleBias {
  std::size_t module = 0;
  std::span<const float> rows;  // [n, units of the module]
};

/// y = M^-1 b by a solve for each input, b from thermo::effective_bias; of it, the units of `read`.
/// `clamps` [n, clamped units], or none if nothing is clamped; `biases` may be empty.
/// Shape [n, units of `read`]. The same bits for any number of threads.
/// Errors: kInvalidArgument (sizes, a clamped `read`, no input); those of Stiffness::of,
/// effective_bias and solve. Cost: n (free units)^2.
Result<std::vector<float>> substrate_mean(const thermo::Substrate& substrate, std::size_t read,
                                          std::span<const float> clamps,
                                          std::span<const ModuleBias> biases, std::size_t n,
                                          unsigned threads);

/// The largest |a - b| over the root mean square of b: how far a substrate's mean is from the same
/// map as digital multiply-adds. \pre equal sizes above 0
double largest_difference(std::span<const float> a, std::span<const float> b);

/// Seven digits of float activations, through a stiffness whose condition may pass 10^4.
inline constexpr double kFoldedDifferenceMax = 1e-5;

}  // namespace calx::inference
