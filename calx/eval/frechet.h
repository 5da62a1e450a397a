// How far two clouds of features are apart: the Frechet distance between their Gaussians.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"

namespace calx::eval {

inline constexpr std::size_t kFeaturesMax = 4096;

struct Gaussian {
  std::vector<double> mean;        // [d]
  std::vector<double> covariance;  // [d, d], symmetric

  [[nodiscard]] std::size_t dimensions() const noexcept { return mean.size(); }
};

/// Mean and covariance (over the sum of counts, less one) of `features`, [n, dimensions] row-major.
/// `counts` says how often each row counts, as Resampler draws them; empty: once each.
/// Errors: kInvalidArgument (sizes; fewer than two counted rows; a number that is not finite).
/// Cost: n d^2.
Result<Gaussian> fit_gaussian(std::span<const float> features, std::size_t dimensions,
                              std::span<const std::uint32_t> counts = {});

/// |m_a - m_b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2), the squared 2-Wasserstein distance of the two
/// Gaussians. Covariances may be singular. With features of an Inception network it is called FID;
/// with those of this project's classifier it is called FD-clf and compares with no other FID.
///
/// Computed from samples it is too large by a bias that falls as 1/n: only figures of equal n
/// compare.
/// Errors: kInvalidArgument (dimensions that differ); kInternal when an eigenproblem fails.
/// Source: Dowson and Landau 1982; Heusel et al. 2017. Cost: d^3.
Result<double> frechet_distance(const Gaussian& a, const Gaussian& b);

}  // namespace calx::eval
