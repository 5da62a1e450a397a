// The substrate that benches of steps run: every mode's law is known.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>

#include "calx/thermo/substrate.h"

namespace calx::bench {

inline constexpr double kWalshCoupling = 3;  // rivals.py has the same

/// E = sum x^2 / 2 - b x + kWalshCoupling / 2 |U^T x|^2 with the first `rank` Walsh functions as U,
/// which are orthonormal. \pre units a power of two, rank <= units
inline thermo::Substrate walsh_substrate(std::size_t units, std::size_t rank = 16) {
  thermo::Substrate s;
  s.modules = {{.name = "x", .units = units, .quadratic = {0.5}}};
  for (std::size_t i = 0; i < units; ++i) {
    s.modules[0].bias.push_back(0.01 * (static_cast<double>(i % 5) - 2));
  }
  thermo::Matrix u(units, rank);
  for (std::size_t i = 0; i < units; ++i) {
    for (std::size_t k = 0; k < rank; ++k) {
      const double sign = std::popcount(i & k) % 2 == 0 ? 1 : -1;
      u(i, k) = sign * std::sqrt(kWalshCoupling / static_cast<double>(units));
    }
  }
  s.couplings = {{.first = 0, .second = 0, .left = u}};
  return s;
}

}  // namespace calx::bench
