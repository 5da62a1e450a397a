// One pass over a block of units: gradient, step, and the low-rank sums of the state it leaves.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace calx::thermo {

/// One end of a coupling, over the units of a block; see Field for the layout.
struct FusedPort {
  const float* factor = nullptr;  // [ceil(units / 16), rank, 16]
  const float* drive = nullptr;   // [rank]: s t of the partner, at the state before the step
  float* sums = nullptr;          // [rank, 16]: lane sums of factor * new state, added to
  std::size_t rank = 0;
};

struct FusedBlock {
  float* x = nullptr;  // [units]
  const float* bias = nullptr;
  const float* twice_j2 = nullptr;
  const float* four_j4 = nullptr;  // or null
  const float* noise = nullptr;
  const float* more_noise = nullptr;  // added to `noise` first; or null
  float h_mu = 0, scale = 0;          // x - h_mu gradient + scale noise
  std::size_t units = 0;
  std::span<const FusedPort> ports = {};
};

/// Ways to run it; all give the bits of Field::gradient, the step of explicit_steps.cc and the sums
/// of Field, in their order.
struct FusedKernel {
  std::string_view name;  // "portable", "avx2", "avx512"
  bool (*supported)() noexcept;
  void (*run)(const FusedBlock& block) noexcept;
};

/// Every kernel of this build, slowest first; the first one runs everywhere.
std::span<const FusedKernel> fused_kernels() noexcept;

/// The last one that this CPU supports and that agrees with the first; chosen at the first call.
const FusedKernel& fused_kernel() noexcept;

void fused_portable(const FusedBlock& block) noexcept;
#if defined(__x86_64__)
void fused_avx2(const FusedBlock& block) noexcept;
void fused_avx512(const FusedBlock& block) noexcept;
#endif

}  // namespace calx::thermo
