// The matrix M of a substrate's free units, kept as blocks and factors: is it positive definite,
// how stiff, and what is M^-1 b.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/matrix.h"
#include "calx/thermo/substrate.h"

namespace calx::thermo {

inline constexpr std::size_t kFactorColumnsMax = 4096;  // of all couplings together
inline constexpr std::size_t kDenseUnitsMax = 4096;     // of a matrix written out in full

struct Spectrum {
  double least = 0;  // eigenvalues of M
  double largest = 0;
};

/// M = D + W K W^T: D the modules' own blocks in their eigenbasis (so D is diagonal), W all
/// factors, K the strengths. The number of negative eigenvalues of M - t I follows from that of D -
/// t I and of the Schur complement K^-1 + W^T (D - t I)^-1 W (Haynsworth 1968), so that nothing of
/// size units x units is ever formed unless a module has dense couplings of its own.
///
/// Cost: n^3 for each module with dense couplings, once; units * columns^2 for each count.
class Stiffness {
 public:
  /// Errors: as check(); kInvalidArgument when the energy has no minimum: the units without a
  /// quartic term must have M positive definite among themselves. With quartic terms everywhere M
  /// itself may be indefinite (double wells); then positive_definite() is false.
  /// kResourceExhausted: more than kFactorColumnsMax factor columns.
  static Result<Stiffness> of(const Substrate& substrate);

  Stiffness(Stiffness&&) noexcept;
  Stiffness& operator=(Stiffness&&) noexcept;
  ~Stiffness();

  [[nodiscard]] std::size_t units() const noexcept;
  [[nodiscard]] bool positive_definite() const noexcept;

  /// How many eigenvalues of M lie below t.
  [[nodiscard]] std::size_t count_below(double t) const;

  /// Least and largest eigenvalue, to 1e-9 of the larger of their magnitudes.
  /// Cost: about 70 counts.
  [[nodiscard]] Spectrum spectrum() const;

  /// M^-1 b, shape [units]. Errors: kInvalidArgument (length; M not positive definite).
  [[nodiscard]] Result<std::vector<double>> solve(std::span<const double> b) const;

  /// Trace of M^-1. Errors: kInvalidArgument when M is not positive definite.
  [[nodiscard]] Result<double> trace_of_inverse() const;

 private:
  struct Parts;
  explicit Stiffness(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

/// M written out, shape [free units, free units]. \pre check(substrate)
/// Errors: kResourceExhausted over kDenseUnitsMax free units.
Result<Matrix> dense_stiffness(const Substrate& substrate);

}  // namespace calx::thermo
