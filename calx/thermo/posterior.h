// Denoising without a network: a substrate whose energy is prior plus likelihood.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/conditioning.h"
#include "calx/thermo/matrix.h"
#include "calx/thermo/substrate.h"

namespace calx::thermo {

/// A Gaussian prior N(mean, U diag(s) U^T + floor (I - U U^T)): k principal axes, and one variance
/// for all that they leave.
struct Prior {
  std::vector<double> mean;      // [D]
  Matrix axes;                   // U [D, k], orthonormal columns; none for k = 0
  std::vector<double> variance;  // s [k], falling
  double floor = 1;              // the mean of the discarded eigenvalues, at least variance_floor
};

/// From the rows of x [n, units]. Eigenvalues below variance_floor count as variance_floor: border
/// pixels that never change have none of their own.
/// Errors: kInvalidArgument (sizes, a rank over units, a number not finite, floor <= 0).
/// Cost: n D^2 + 9 D^3.
Result<Prior> fit_prior(std::span<const float> x, std::size_t units, std::size_t rank,
                        double variance_floor = 1e-4);

/// One module "image" with M = kT (C^-1 + I / sigma^2): J2 for the diagonal, the axes as a coupling
/// of the module to itself with negative strengths. At temperature kT its law under the bias of
/// posterior_bias() is the posterior of the clean image given the noisy one: gain s / (s + sigma^2)
/// and variance s sigma^2 / (s + sigma^2) in each axis.
/// Errors: kInvalidArgument (sigma or temperature not above 0, shapes).
Result<Substrate> posterior_substrate(const Prior& prior, double sigma, double temperature_kt);

/// kT noisy / sigma^2, one row a noisy image [n, D]: the only thing that is written for an image.
/// The prior's mean is in the substrate's own bias. Errors: kInvalidArgument (sizes).
Result<Conditioning> posterior_bias(const Prior& prior, std::span<const float> noisy, double sigma,
                                    double temperature_kt);

}  // namespace calx::thermo
