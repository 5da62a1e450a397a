// Substrates that several tests share.
#pragma once

#include <cstdint>
#include <string>

#include "calx/noise/normal_transform.h"
#include "calx/thermo/substrate.h"

namespace calx::thermo {

// Reproducible values without a pattern, about -1.2 to 1.2 (a Weyl sequence, stirred).
inline double example_value(std::uint32_t i) {
  std::uint32_t x = i * 0x9e3779b9u + 0x7f4a7c15u;
  x = (x ^ x >> 15) * 0x85ebca6bu;
  return 0.5 * static_cast<double>(noise::normal_value((x ^ x >> 13) * 0xc2b2ae35u));
}

inline Matrix example_matrix(std::size_t rows, std::size_t columns, double scale,
                             std::uint32_t from) {
  Matrix matrix(rows, columns);
  for (double& value : matrix.values) value = scale * example_value(from++);
  return matrix;
}

inline Matrix example_symmetric(std::size_t n, double scale, std::uint32_t from) {
  Matrix matrix = example_matrix(n, n, scale, from);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) matrix(i, j) = matrix(j, i);
  }
  return matrix;
}

/// Two modules of n and n + 3 units, the first with couplings of its own, rank-k factors between
/// them and `self` columns within the second; M is positive definite, its condition some 10.
inline Substrate example_substrate(std::size_t n, std::size_t rank, std::size_t self = 0) {
  Substrate s;
  s.modules.resize(2);
  s.modules[0] = {.name = "encoder",
                  .units = n,
                  .quadratic = {1.0},
                  .quartic = {},
                  .intra = example_symmetric(n, 0.3 / static_cast<double>(n), 100),
                  .bias = {}};
  s.modules[1] = {
      .name = "decoder", .units = n + 3, .quadratic = {}, .quartic = {}, .intra = {}, .bias = {}};
  for (std::uint32_t i = 0; i < n + 3; ++i) {
    s.modules[1].quadratic.push_back(0.6 + 0.2 * example_value(i));
    s.modules[1].bias.push_back(example_value(1000 + i));
  }
  const double scale = 1.2 / static_cast<double>(n);
  Coupling skip{.first = 0,
                .second = 1,
                .left = example_matrix(n, rank, scale, 5000),
                .right = example_matrix(n + 3, rank, 1, 9000),
                .strength = {}};
  skip.strength.assign(rank, 1.5);
  s.couplings.push_back(skip);
  if (self > 0) {
    Coupling own{.first = 1,
                 .second = 1,
                 .left = example_matrix(n + 3, self, 0.2, 20000),
                 .right = {},
                 .strength = {}};
    for (std::size_t k = 0; k < self; ++k) own.strength.push_back(k % 2 == 0 ? 1.0 : -0.5);
    s.couplings.push_back(own);
  }
  return s;
}

}  // namespace calx::thermo
