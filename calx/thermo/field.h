// The force field of a substrate's free units, laid out for speed: gradient and energy of one
// chain.
#pragma once

#include <cstddef>
#include <vector>

#include "calx/thermo/substrate.h"

namespace calx::thermo {

/// Units whose factor rows lie together, and lanes of every low-rank sum.
inline constexpr std::size_t kLanes = 16;
/// Units summed before a partial sum is closed; a multiple of kLanes.
inline constexpr std::size_t kChunkUnits = 4096;

/// Every sum has one order, whatever the kernel, the threads or the batch:
///  - a low-rank sum Q^T x: inside a chunk of kChunkUnits units of a module, lane l adds units l, l
///  +
///    16, l + 32, ... in turn; the 16 lanes are added in halves (l + l+8, then +4, +2, +1); chunks
///    are added in order to 0;
///  - the gradient of unit i: 2 J2 x, minus b, plus 4 J4 (x x x), plus K_ij x_j for j = 0, 1, ...,
///    plus P_ik (s_k t_k) for k = 0, 1, ... of each coupling in its order.
/// No product is fused with a sum. Real is float or double; any thread.
template <class Real>
class Field {
 public:
  using Values = std::vector<Real>;
  /// A free module.
  struct Part {
    std::size_t offset = 0, units = 0;
    Values twice_j2 = {};                 // [units]
    Values four_j4 = {};                  // [units] or none
    Values intra = {};                    // [ceil(units / 16), units, 16]: K by columns, or none
    std::vector<std::size_t> ports = {};  // its ends of couplings, in the order of couplings
  };
  /// One end of a coupling: collects t = F^T x and is driven by s t of its partner.
  struct Port {
    std::size_t offset = 0, units = 0, rank = 0;
    std::size_t sums = 0;     // where its t stands among all
    std::size_t partner = 0;  // where the partner's t stands
    Values factor;            // [ceil(units / 16), rank, 16], 0 past the last unit
    Values strength;          // [rank]
  };

  /// \pre check(substrate)
  explicit Field(const Substrate& substrate);

  [[nodiscard]] std::size_t units() const noexcept { return units_; }
  /// Whether every parameter is finite as a Real.
  [[nodiscard]] bool finite() const noexcept { return finite_; }
  [[nodiscard]] bool quartic() const noexcept { return quartic_; }
  [[nodiscard]] const std::vector<Part>& parts() const noexcept { return parts_; }
  [[nodiscard]] const std::vector<Port>& ports() const noexcept { return ports_; }
  /// Low-rank sums t of all ports, and as many drives v.
  [[nodiscard]] std::size_t sums() const noexcept { return sums_; }
  /// Values of scratch that gradient() needs.
  [[nodiscard]] std::size_t scratch() const noexcept { return 2 * sums_; }

  /// t = the sums of every port at x, [sums()].
  void collect(const Real* x, Real* t) const noexcept;
  /// v = what drives every port, s t of its partner, [sums()].
  void drives(const Real* t, Real* v) const noexcept;

  /// out = M x + 4 J4 x^3 - bias, all [units]; scratch [scratch()].
  void gradient(const Real* x, const Real* bias, Real* out, Real* scratch) const noexcept;

  /// E(x) by its gradient g: sum 1/2 x (g - b) - J4 x^4, added in index order in double.
  [[nodiscard]] double energy(const Real* x, const Real* bias, const Real* gradient) const noexcept;

 private:
  Values blocked(const Matrix& matrix);
  void add_port(const Coupling& coupling, const Matrix& factor, std::size_t offset,
                std::size_t partner);

  std::size_t units_ = 0;
  std::size_t sums_ = 0;
  bool finite_ = true;
  bool quartic_ = false;
  std::vector<Part> parts_;
  std::vector<Port> ports_;
};

/// The sum of 16 lanes, in halves.
template <class Real>
Real sum_of_lanes(const Real* lanes) noexcept;

extern template class Field<float>;
extern template class Field<double>;

}  // namespace calx::thermo
