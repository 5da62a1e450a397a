// The loops of all Viterbi kernels; each source that includes it sets CALX_WEIGHTS_TARGET to the
// attribute of its instruction set and CALX_WEIGHTS_LANES to the floats of a register. The vectors
// are the compiler's own: lane by lane the arithmetic is the same.
#pragma once

#include <cstddef>
#include <cstdint>

#include "calx/weights/viterbi.h"

#ifndef CALX_WEIGHTS_TARGET
#define CALX_WEIGHTS_TARGET
#define CALX_WEIGHTS_LANES 4
#endif
#define CALX_WEIGHTS_INLINE CALX_WEIGHTS_TARGET __attribute__((always_inline)) inline

namespace calx::weights {
namespace {

constexpr std::size_t kLanes = CALX_WEIGHTS_LANES;
using Floats = float __attribute__((vector_size(4 * kLanes)));
using Integers = std::int32_t __attribute__((vector_size(4 * kLanes)));
using Bytes = std::uint8_t __attribute__((vector_size(kLanes)));
using LooseFloats = float __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
using LooseBytes = std::uint8_t __attribute__((vector_size(kLanes), aligned(1), may_alias));

CALX_WEIGHTS_INLINE Floats load(const float* from) {
  return *reinterpret_cast<const LooseFloats*>(from);
}
CALX_WEIGHTS_INLINE void store(float* to, const Floats& values) {
  *reinterpret_cast<LooseFloats*>(to) = values;
}

// Few predecessors: all of them in registers.
template <unsigned kBits>
CALX_WEIGHTS_INLINE void find_least(const float* cost, std::size_t groups, float* least,
                                    std::uint8_t* from) {
  std::size_t m = 0;
  for (; m + kLanes <= groups; m += kLanes) {
    Floats best = load(cost + m);
    Integers chosen = {};
#pragma GCC unroll 16
    for (int j = 1; j < 1 << kBits; ++j) {
      const Floats other = load(cost + static_cast<std::size_t>(j) * groups + m);
      const Integers less = other < best;
      chosen = less ? Integers{} + j : chosen;
      best = less ? other : best;
    }
    store(least + m, best);
    *reinterpret_cast<LooseBytes*>(from + m) = __builtin_convertvector(chosen, Bytes);
  }
  for (; m < groups; ++m) {
    least[m] = cost[m];
    from[m] = 0;
    for (std::size_t j = 1; j < std::size_t{1} << kBits; ++j) {
      const float other = cost[j * groups + m];
      if (other < least[m]) from[m] = static_cast<std::uint8_t>(j);
      if (other < least[m]) least[m] = other;
    }
  }
}

// Many: one after the other over all groups.
CALX_WEIGHTS_INLINE void find_least_of_many(const float* __restrict cost, std::size_t groups,
                                            unsigned bits, float* __restrict least,
                                            std::uint8_t* __restrict from) {
  for (std::size_t m = 0; m < groups; ++m) {
    least[m] = cost[m];
    from[m] = 0;
  }
  for (std::size_t j = 1; j < std::size_t{1} << bits; ++j) {
    const float* __restrict other = cost + j * groups;
    for (std::size_t m = 0; m < groups; ++m) {
      from[m] = other[m] < least[m] ? static_cast<std::uint8_t>(j) : from[m];
      least[m] = other[m] < least[m] ? other[m] : least[m];
    }
  }
}

template <unsigned kBits>
CALX_WEIGHTS_INLINE void spread_out(const float* __restrict least, std::size_t rows,
                                    float* __restrict spread) {
  constexpr std::size_t kPlanes = std::size_t{1} << kBits;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t j = 0; j < kPlanes; ++j) spread[j * rows + r] = least[r * kPlanes + j];
  }
}

template <unsigned kWeights>
CALX_WEIGHTS_INLINE void add_costs(const ViterbiStep& step, std::size_t at, std::size_t count,
                                   const float* before) {
  float* const out = step.cost + at;
  const float* const values = step.values + at;
  const std::size_t states = step.trellis.states();
  float x[kWeights], factor[kWeights];
  for (std::size_t v = 0; v < kWeights; ++v) {
    x[v] = step.x[v];
    factor[v] = step.factor[v];
  }
  std::size_t r = 0;
  for (; r + kLanes <= count; r += kLanes) {
    const Floats first = x[0] - factor[0] * load(values + r);
    Floats sum = first * first;
    for (std::size_t v = 1; v < kWeights; ++v) {
      const Floats next = x[v] - factor[v] * load(values + v * states + r);
      sum += next * next;
    }
    store(out + r, load(before + r) + sum);
  }
  for (; r < count; ++r) {
    const float first = x[0] - factor[0] * values[r];
    float sum = first * first;
    for (std::size_t v = 1; v < kWeights; ++v) {
      const float next = x[v] - factor[v] * values[v * states + r];
      sum += next * next;
    }
    out[r] = before[r] + sum;
  }
}

template <unsigned kBits, unsigned kWeights>
CALX_WEIGHTS_INLINE void run_rate(const ViterbiStep& step) {
  const std::size_t groups = step.trellis.groups(), rows = groups >> kBits;
  if constexpr (kBits <= 4) {
    find_least<kBits>(step.cost, groups, step.least, step.from);
  } else {
    find_least_of_many(step.cost, groups, kBits, step.least, step.from);
  }
  spread_out<kBits>(step.least, rows, step.spread);
  constexpr std::size_t kPlanes = std::size_t{1} << kBits;
  for (std::size_t plane = 0; plane < kPlanes; ++plane) {
    for (std::size_t word = 0; word < kPlanes; ++word) {
      add_costs<kWeights>(step, plane * groups + word * rows, rows, step.spread + plane * rows);
    }
  }
}

CALX_WEIGHTS_INLINE void run_step(const ViterbiStep& step) {
  switch (step.trellis.step_bits) {
    case 1:
      return run_rate<1, 1>(step);
    case 2:
      return run_rate<2, 1>(step);
    case 3:
      return step.trellis.step_weights == 1 ? run_rate<3, 1>(step) : run_rate<3, 2>(step);
    case 4:
      return run_rate<4, 1>(step);
    default:
      return run_rate<8, 5>(step);
  }
}

}  // namespace
}  // namespace calx::weights
