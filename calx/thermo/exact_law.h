// Closed forms for quadratic energies: the law of one step and the law at rest, for every scheme.
// Derivations: docs/theory/thermodynamics.md.
#pragma once

#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/dynamics.h"
#include "calx/thermo/matrix.h"

namespace calx::thermo {

/// x' = A x + R b + S xi, xi standard normal and independent, all [n, n]; z = M^-1 b is at rest.
struct LinearStep {
  Matrix propagator;  // A
  Matrix noise;       // S
  Matrix response;    // R = (I - A) M^-1; none for a process without a bias
};

/// The exact step of dx = -mu (M x - b) dt + sqrt(2 mu kT) dW over any time h, by M = V L V^T:
///   A = V e^(-mu L h) V^T,  S = V sqrt(kT (1 - e^(-2 mu L h)) / L),
///   R = V (1 - e^(-mu L h)) / L V^T.
/// Errors: kInvalidArgument (M not square, not positive definite; dynamics). Cost: 9 n^3.
Result<LinearStep> exact_step(const Matrix& m, const Dynamics& dynamics);

/// A process with any stable drift: dx = -A (x - z) dt + noise of covariance D dt.
struct LinearProcess {
  Matrix drift;      // A [n, n]; every eigenvalue has a positive real part
  Matrix diffusion;  // D [n, n], symmetric, no negative eigenvalue
};

/// The exact step over time h: propagator e^(-A h), noise covariance integral of e^(-A s) D e^(-A^T
/// s) by the block exponential of Van Loan (IEEE TAC 23, 395, 1978) on a short time, then doubled:
/// Sigma_2h = Sigma_h + e^(-A h) Sigma_h e^(-A^T h). Right for drifts that are not normal, where
/// diagonalising (A + A^T)/2 is not.
/// Errors: kInvalidArgument (shapes, h <= 0, a drift that is not stable, a D with a negative
/// eigenvalue). Cost: some 50 n^3 plus 4 n^3 a doubling.
Result<LinearStep> exact_step(const LinearProcess& process, double step);

/// The law of one step of a scheme from a fixed x, for E = 1/2 x^T M x - b^T x:
/// mean z + A (x - z), covariance `covariance`. MALA, whose proposals may be refused, has none.
struct OneStep {
  Matrix propagator;
  Matrix covariance;
};
/// Leimkuhler-Matthews: given no knowledge of the noise it shares with the step before.
/// Lattice walk: the covariance at x = z (off it the diagonal is the same, the rest is
/// -h^2 mu^2 (M (x - z))_i (M (x - z))_j).
/// Errors: kInvalidArgument as exact_step, and for MALA.
Result<OneStep> one_step_law(Scheme scheme, const Matrix& m, const Dynamics& dynamics);

/// The covariance at rest: kT M^-1 for OU, Leimkuhler-Matthews and MALA;
///   EM    kT [M (I - h mu M / 2)]^-1
///   Heun  kT/lambda times 2a (1 - a/2)^2 / (1 - (1 - a + a^2/2)^2) in each eigenmode
///   LRW   M C + C M - h mu offdiag(M C M) = 2 kT I, solved to 1e-13 by iteration.
/// Errors: kInvalidArgument (M, dynamics, a step beyond stability).
Result<Matrix> stationary_covariance(Scheme scheme, const Matrix& m, const Dynamics& dynamics);

/// kT M^-1. Errors: kInvalidArgument.
Result<Matrix> equilibrium_covariance(const Matrix& m, double temperature_kt);

/// S with S S^T = covariance, by its eigenvectors; eigenvalues below 0 by rounding count as 0.
/// Errors: kInvalidArgument (not square, not finite, an eigenvalue clearly below 0).
Result<Matrix> square_root(const Matrix& covariance);

/// Single-snapshot cosine c of a signal with power s against noise of power n: c^2 / (1 - c^2) =
/// s / n. Source: reference law of issue 4, 3.3.
double snapshot_cosine(double signal_to_noise) noexcept;
double signal_to_noise_for(double cosine) noexcept;

}  // namespace calx::thermo
