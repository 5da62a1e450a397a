// A Langevin substrate: units in modules, what holds each unit, and what couples them.
//
//   E(x) = sum over modules m  [ sum_i (J2_i x_i^2 + J4_i x_i^4 - b_i x_i) + 1/2 x^T K x ]
//        + sum over couplings of modules p != q   x_p^T P diag(s) Q^T x_q
//        + sum over couplings of a module to itself   1/2 x^T P diag(s) P^T x
//
// so that without quartic terms E = 1/2 x^T M x - b^T x with M_mm = 2 diag(J2) + K and
// M_pq = P diag(s) Q^T. A coupling is kept as its factors: k (D_p + D_q) wires, not D_p D_q.
// Energies are in one unit, which temperatures (k_B T) share; nothing here depends on temperature.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/thermo/matrix.h"

namespace calx::thermo {

inline constexpr std::size_t kUnitsMax = std::size_t{1} << 24;  // of a substrate
inline constexpr std::size_t kModulesMax = 4096;                // of a substrate
inline constexpr std::size_t kCouplingsMax = 4096;              // of a substrate
inline constexpr std::size_t kIntraUnitsMax = 4096;             // of a module with dense K
inline constexpr std::size_t kRankMax = 4096;                   // of a coupling

struct Module {
  std::string name = {};
  std::size_t units = 0;
  std::vector<double> quadratic = {};  // J2: one value for all units, or one a unit
  std::vector<double> quartic = {};    // J4 >= 0: none, one value for all units, or one a unit
  Matrix intra = {};                   // K, symmetric [units, units], or none
  std::vector<double> bias = {};       // b: none, or one a unit
  bool clamped = false;  // held at values that a Conditioning gives; then only `units` and
                         // the couplings matter
};

struct Coupling {
  std::size_t first = 0;              // index of module p
  std::size_t second = 0;             // index of module q
  Matrix left = {};                   // P [units of p, k]
  Matrix right = {};                  // Q [units of q, k]; none when p = q
  std::vector<double> strength = {};  // s [k]; none: all 1

  [[nodiscard]] std::size_t rank() const noexcept { return left.columns; }
};

struct Substrate {
  std::vector<Module> modules;
  std::vector<Coupling> couplings;
};

/// Errors: kInvalidArgument names the module or coupling: no units, a shape that does not fit, a
/// number that is not finite, an asymmetric K, J4 < 0, a rank over the units it couples, no free
/// unit; kResourceExhausted for the limits above. It does not ask whether the energy has a minimum:
/// Stiffness does.
Result<void> check(const Substrate& substrate);

/// Where the free units of each module stand in the state vector of the free units, modules in
/// their order; clamped modules likewise in the vector of clamped units.
struct Places {
  std::vector<std::size_t> offset;  // [modules], among the free or the clamped units
  std::size_t free_units = 0;
  std::size_t clamped_units = 0;
};
Places places(const Substrate& substrate);

/// What a machine would have to wire and to write.
struct Wiring {
  std::uint64_t coupling_wires = 0;  // k (D_p + D_q) a coupling, k D for one module to itself
  std::uint64_t intra_wires = 0;     // pairs i < j with K_ij != 0
  std::uint64_t full_wires = 0;      // D_p D_q a coupling: what the factors replace
  std::uint64_t program_writes = 0;  // every J2, J4, b, K and factor element that is not zero, once
  std::uint64_t clamp_writes = 0;    // one a clamped unit, for every input
};
Wiring wiring(const Substrate& substrate);

}  // namespace calx::thermo
