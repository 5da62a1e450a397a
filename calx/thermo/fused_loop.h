// The loop of all fused kernels; each source that includes it sets CALX_THERMO_TARGET to the
// attribute of its instruction set. Vectors of 16 lanes are the compiler's own, so that a kernel
// without such registers takes several: lane by lane the arithmetic is the same.
#pragma once

#include <cstddef>
#include <cstring>

#include "calx/thermo/fused_kernel.h"

#ifndef CALX_THERMO_TARGET
#define CALX_THERMO_TARGET
#endif
#define CALX_THERMO_INLINE CALX_THERMO_TARGET __attribute__((always_inline)) inline

namespace calx::thermo {
namespace {

constexpr std::size_t kWide = 16;
using Wide = float __attribute__((vector_size(64)));
using Loose = float __attribute__((vector_size(64), aligned(4), may_alias));

CALX_THERMO_INLINE Wide load(const float* from) { return *reinterpret_cast<const Loose*>(from); }
CALX_THERMO_INLINE void store(float* to, const Wide& value) {
  *reinterpret_cast<Loose*>(to) = value;
}

// Gradient without couplings.
CALX_THERMO_INLINE Wide own_gradient(const FusedBlock& b, std::size_t i, const Wide& x) {
  Wide g = load(b.twice_j2 + i) * x - load(b.bias + i);
  if (b.four_j4) g += load(b.four_j4 + i) * (x * x * x);
  return g;
}

CALX_THERMO_INLINE Wide moved(const FusedBlock& b, std::size_t i, const Wide& x, const Wide& g) {
  Wide noise = load(b.noise + i);
  if (b.more_noise) noise += load(b.more_noise + i);
  return x - b.h_mu * g + b.scale * noise;
}

// A single coupling of a rank that registers hold.
template <std::size_t rank>
CALX_THERMO_INLINE void run_one_port(const FusedBlock& b, const FusedPort& port,
                                     std::size_t units) {
  Wide sums[rank];
  for (std::size_t k = 0; k < rank; ++k) sums[k] = load(port.sums + k * kWide);
  const float* factor = port.factor;
  for (std::size_t i = 0; i < units; i += kWide, factor += rank * kWide) {
    const Wide x = load(b.x + i);
    Wide g = own_gradient(b, i, x);
    for (std::size_t k = 0; k < rank; ++k) g += load(factor + k * kWide) * port.drive[k];
    const Wide next = moved(b, i, x, g);
    store(b.x + i, next);
    for (std::size_t k = 0; k < rank; ++k) sums[k] += next * load(factor + k * kWide);
  }
  for (std::size_t k = 0; k < rank; ++k) store(port.sums + k * kWide, sums[k]);
}

CALX_THERMO_INLINE void run_any(const FusedBlock& b, std::size_t units) {
  for (std::size_t i = 0; i < units; i += kWide) {
    const Wide x = load(b.x + i);
    Wide g = own_gradient(b, i, x);
    for (const FusedPort& port : b.ports) {
      const float* factor = port.factor + i * port.rank;
      for (std::size_t k = 0; k < port.rank; ++k) g += load(factor + k * kWide) * port.drive[k];
    }
    const Wide next = moved(b, i, x, g);
    store(b.x + i, next);
    for (const FusedPort& port : b.ports) {
      const float* factor = port.factor + i * port.rank;
      for (std::size_t k = 0; k < port.rank; ++k) {
        store(port.sums + k * kWide, load(port.sums + k * kWide) + next * load(factor + k * kWide));
      }
    }
  }
}

CALX_THERMO_INLINE void run_whole(const FusedBlock& b, std::size_t units) {
  if (b.ports.size() == 1 && b.ports[0].rank == 16) {
    run_one_port<16>(b, b.ports[0], units);
  } else if (b.ports.size() == 1 && b.ports[0].rank == 8) {
    run_one_port<8>(b, b.ports[0], units);
  } else {
    run_any(b, units);
  }
}

// The last units of a block, fewer than 16: lanes past the end are 0 and stay it.
CALX_THERMO_INLINE void run_rest(const FusedBlock& b, std::size_t first) {
  constexpr std::size_t kPortsAtOnce = 8;
  const std::size_t bytes = (b.units - first) * sizeof(float);
  float rows[6][kWide] = {};
  const auto copy = [bytes, first](float* to, const float* from) CALX_THERMO_TARGET {
    if (from) std::memcpy(to, from + first, bytes);
  };
  copy(rows[0], b.x);
  copy(rows[1], b.bias);
  copy(rows[2], b.twice_j2);
  copy(rows[3], b.four_j4);
  copy(rows[4], b.noise);
  copy(rows[5], b.more_noise);
  FusedBlock rest = b;
  rest.x = rows[0];
  rest.bias = rows[1];
  rest.twice_j2 = rows[2];
  rest.four_j4 = b.four_j4 ? rows[3] : nullptr;
  rest.noise = rows[4];
  rest.more_noise = b.more_noise ? rows[5] : nullptr;
  rest.units = kWide;
  FusedPort ports[kPortsAtOnce];
  for (std::size_t p = 0; p < b.ports.size(); ++p) {
    ports[p] = b.ports[p];
    ports[p].factor += first * ports[p].rank;
  }
  rest.ports = {ports, b.ports.size()};
  run_any(rest, kWide);
  std::memcpy(b.x + first, rows[0], bytes);
}

CALX_THERMO_INLINE void run_block(const FusedBlock& b) {
  const std::size_t whole = b.units / kWide * kWide;
  run_whole(b, whole);
  if (whole < b.units) run_rest(b, whole);
}

}  // namespace
}  // namespace calx::thermo
