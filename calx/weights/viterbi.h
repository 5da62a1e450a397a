// The step of the search for the best path: every state's least cost so far, from those before.
//
//   least[m]  = min over j of cost[m 2^k + j], ties to the lower j      for every group m
//   cost'[s]  = least[s mod 2^(L-k)] + (((x0 - f0 c0[s])^2 + (x1 - f1 c1[s])^2) + ...)
//
// in float32, each product, difference and sum rounded on its own and in this order, so that a path
// is the same on every machine. No operation is fused: that is why the sources are compiled with
// -ffp-contract=off. State s is kept at (s mod 2^k) 2^(L-k) + floor(s / 2^k): then both lines run
// over neighbours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "calx/weights/trellis.h"

namespace calx::weights {

struct ViterbiStep {
  Trellis trellis;
  float* cost = nullptr;          // [2^L], in the order above; replaced
  float* least = nullptr;         // [2^(L-k)]
  float* spread = nullptr;        // [2^(L-k)]: `least` in the order above
  const float* values = nullptr;  // [V][2^L]: the codebook, each row in the order above
  std::uint8_t* from = nullptr;   // [2^(L-k)]: the j of every group
  const float* x = nullptr;       // [V]: targets
  const float* factor = nullptr;  // [V]: what a value is multiplied with
};

/// Where state s is kept.
constexpr std::size_t place(const Trellis& trellis, std::size_t s) noexcept {
  const std::size_t low = s & ((std::size_t{1} << trellis.step_bits) - 1);
  return low << (trellis.state_bits - trellis.step_bits) | s >> trellis.step_bits;
}

/// Ways to run the step; all give the same bits.
struct ViterbiKernel {
  std::string_view name;  // "portable", "avx2", "avx512"
  bool (*supported)() noexcept;
  void (*run)(const ViterbiStep& step) noexcept;
};

/// Every kernel of this build, slowest first; the first one runs everywhere.
std::span<const ViterbiKernel> viterbi_kernels() noexcept;
/// The last one that this CPU supports.
const ViterbiKernel& viterbi_kernel() noexcept;

void viterbi_portable(const ViterbiStep& step) noexcept;
#if defined(__x86_64__)
void viterbi_avx2(const ViterbiStep& step) noexcept;
void viterbi_avx512(const ViterbiStep& step) noexcept;
#endif

}  // namespace calx::weights
