// Couplings between an encoder's activations x and a decoder's d: the published one, and ones that
// carry the signal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/matrix.h"
#include "calx/thermo/pair_statistics.h"
#include "calx/thermo/substrate.h"

namespace calx::thermo {

/// A linear map of rank k: y = mean_d + right (left^T (x - mean_x)). No activation function, no
/// digital parameter once it is wired; as a digital map it costs k (Dx + Dd) multiply-adds.
struct LinearMap {
  std::vector<double> mean_x, mean_d;
  Matrix left;   // [Dx, k]
  Matrix right;  // [Dd, k]

  [[nodiscard]] std::size_t rank() const noexcept { return left.columns; }
  /// Row-major [n, Dx] -> [n, Dd]. \pre x.size() a multiple of Dx
  [[nodiscard]] std::vector<float> apply(std::span<const float> x) const;
};

/// A small ridge makes S = Sxx + ridge tr(Sxx)/Dx I invertible: 1e-5 in the reference's stage C.
inline constexpr double kRidgeDefault = 1e-5;

/// Reduced-rank regression: the map of rank k with the least squared error on the fit's own pairs.
/// S = L L^T, W = S^-1 Sxd, SVD L^T W = U Sig V^T, W_k = W V_k V_k^T; left = W V_k, right = V_k.
/// Errors: kInvalidArgument (rank 0 or over min(Dx, Dd); ridge not above 0). Cost: D^3.
/// Source: Izenman 1975.
Result<LinearMap> fit_rrr(const PairStatistics& pairs, std::size_t rank,
                          double ridge = kRidgeDefault);

/// The same with the error weighed by Sdd^-1: the first k canonical pairs (Hotelling 1936).
/// Errors: as fit_rrr.
Result<LinearMap> fit_cca(const PairStatistics& pairs, std::size_t rank,
                          double ridge = kRidgeDefault);

/// Ridge regression without a bound on the rank: fit_rrr at k = min(Dx, Dd).
Result<LinearMap> fit_full(const PairStatistics& pairs, double ridge = kRidgeDefault);

/// The network's own skip weights, [Dd, Dx], cut to rank k by SVD and scaled by the one number that
/// fits best: a baseline. Errors: as fit_rrr; kInvalidArgument (shape, not finite, no signal).
Result<LinearMap> fit_weights(const PairStatistics& pairs, const Matrix& weights, std::size_t rank);

/// k = 0: the mean of d whatever x is.
LinearMap fit_none(const PairStatistics& pairs);

/// Covariance of d - y over the fit's pairs, [Dd, Dd]. \pre the map is of these units
Matrix residual_covariance(const PairStatistics& pairs, const LinearMap& map);

/// How the decoder module is held. Any positive definite B has the same mean.
enum class Stiffening : std::uint8_t {
  kCalibrated,  // B = kT C^-1, C the residual covariance: thermal noise is the error's own law
  kUniform,     // B = beta I: mixes fastest, noise kT / beta
};

/// Modules "encoder" (clamped at x) and "decoder": with J = -W_k B = -(left)(B right)^T and bias
/// B (d_mean - W_k^T x_mean), the decoder is distributed as N(map(x), kT B^-1), exactly.
/// `beta` is read for kUniform only. For a map of rank 0 there is no coupling.
/// Errors: kInvalidArgument (temperature, beta, a residual covariance that is not positive
/// definite). Source: reference 3.4, derived there.
Result<Substrate> clamped_pair(const LinearMap& map, const PairStatistics& pairs,
                               Stiffening stiffening, double temperature_kt, double beta = 1);

/// Modules "encoder" and "decoder", neither clamped: M = kT Sigma^-1 for the law of (x, d) with the
/// fit's own covariances of x (plus ridge tr(Sxx)/Dx I) and of d, and the covariance between them
/// that a map of rank k keeps. So each side conditions the other: clamp the encoder at x and the
/// decoder is N(map(x), kT M_dd^-1); clamp the decoder and the encoder is N(mean_x + Sxd_k
/// Sdd^-1 (d - mean_d), kT M_xx^-1); leave both free and they fluctuate as the joint law. With
/// W = left right^T and Schur complement C = Sdd - W^T S W,
///   M_xx = kT (S^-1 + W C^-1 W^T),  M_xd = -kT W C^-1 = -(left) (kT C^-1 right)^T,  M_dd = kT
///   C^-1.
/// A map of rank 0 leaves two modules without a coupling.
/// Errors: kInvalidArgument (temperature; ridge not above 0; S or C not positive definite: the
/// joint covariance is indefinite, so no substrate has this law). Cost: D^3.
Result<Substrate> joint_pair(const LinearMap& map, const PairStatistics& pairs,
                             double temperature_kt, double ridge = kRidgeDefault);

}  // namespace calx::thermo
