// Training a substrate to generate by itself: fit the couplings under which its own motion, run
// forwards, retraces noising trajectories backwards (Whitelam, arXiv 2506.15121, visible units
// only).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/dynamics.h"
#include "calx/thermo/matrix.h"
#include "calx/thermo/substrate.h"

namespace calx::thermo {

/// Couplings among all units of one module, and their bias: E gains 1/2 x^T K x - b^T x.
struct Couplings {
  Matrix intra;              // K, symmetric [units, units]; its diagonal adds to J2
  std::vector<double> bias;  // b [units]
};

/// Steps x -> x' of noising trajectories enter as sums alone. A reverse step from x' to x has
///   r = -(x' - x) + mu h (2 J2 x' + 4 J4 x'^3 + K x' - b),   -ln P~ = sum r^2 / (4 mu kT h) +
///   const,
/// the Euler-Maruyama path probability. It is quadratic in (K, b), so the best ones are the
/// solution of one linear problem. Whitelam's V has + sum b x where E here has - b^T x, and one J a
/// pair where K has it twice.
///
/// Hidden units gain nothing here: if they are noised independently of the visible ones, no sum
/// ties the two together, and K = 0 between them is not only stationary but the minimum.
/// Cost: 4 units^2 a step that is added.
class ReversalFit {
 public:
  /// Errors: kInvalidArgument (no or over kIntraUnitsMax units, J4 < 0, numbers that are not
  /// finite, dynamics).
  static Result<ReversalFit> create(std::size_t units, double j2, double j4,
                                    const Dynamics& dynamics);

  /// States of many chains before and after one step, [chains, units].
  /// Errors: kInvalidArgument (sizes, a number that is not finite).
  Result<void> add(std::span<const float> before, std::span<const float> after);

  /// Adds the steps of another fit: of another time, of other chains.
  /// Errors: kInvalidArgument (other units, J2, J4 or dynamics).
  Result<void> merge(const ReversalFit& other);

  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

  /// -ln P~ a step, without the constant. \pre sizes fit, steps() > 0
  [[nodiscard]] double cost(const Couplings& couplings) const;
  /// Its gradient: in `intra` element (i, j) with i != j is the derivative by the one number that
  /// stands at (i, j) and (j, i). \pre as cost()
  [[nodiscard]] Couplings gradient(const Couplings& couplings) const;

  /// The minimum over symmetric K and b, with ridge * tr(S)/units added to the covariance S of the
  /// states: K S + S K = -(G + G^T) / (mu h), solved in the eigenbasis of S.
  /// Errors: kInvalidArgument (fewer than 2 steps, ridge not above 0). Cost: 12 units^3.
  [[nodiscard]] Result<Couplings> best(double ridge = 1e-6) const;

  /// One module of these units with J2, J4, K and b. It may be indefinite: Stiffness::of says so.
  [[nodiscard]] Substrate substrate(const Couplings& couplings) const;

 private:
  ReversalFit() = default;

  std::size_t units_ = 0;
  double j2_ = 0, j4_ = 0;
  Dynamics dynamics_;
  std::uint64_t steps_ = 0;
  std::vector<double> state_, residual_;  // sums of x' and of r without couplings
  Matrix square_, cross_;                 // sums of x' x'^T and of r x'^T
  double power_ = 0;                      // sum of r^2
};

/// kT ln of the Euler-Maruyama probability of x -> x' over that of x' -> x, from the gradients
/// there: heat of the step, -1/2 (g + g') (x' - x), plus mu h (|g'|^2 - |g|^2) / 4. The rest is of
/// order h^(3/2) a step, and of order h along a path of any length, where it telescopes to the
/// gradients at its two ends. All [units]. \pre equal sizes
double path_log_ratio(std::span<const double> before, std::span<const double> after,
                      std::span<const double> gradient_before,
                      std::span<const double> gradient_after, const Dynamics& dynamics);

}  // namespace calx::thermo
