#include "calx/thermo/fused_kernel.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "calx/thermo/fused_loop.h"

namespace calx::thermo {
namespace {

bool always() noexcept { return true; }
#if defined(__x86_64__)
bool has_avx2() noexcept { return __builtin_cpu_supports("avx2"); }
bool has_avx512() noexcept { return __builtin_cpu_supports("avx512f"); }
#endif

constexpr FusedKernel kKernels[] = {
    {"portable", always, fused_portable},
#if defined(__x86_64__)
    {"avx2", has_avx2, fused_avx2},
    {"avx512", has_avx512, fused_avx512},
#endif
};

// Two whole vectors and a rest of 5 units, a coupling of rank 16 and, the second time, another of
// rank 3 beside it.
struct Trial {
  static constexpr std::size_t kUnits = 37, kRank = 16, kOther = 3;
  std::array<float, kUnits> x{}, values{};
  std::array<float, 48 * kRank> factor{};
  std::array<float, 16 * (kRank + kOther)> sums{};

  Trial(const FusedKernel& kernel, std::size_t ports) noexcept {
    std::uint32_t state = 1;
    const auto next = [&state] {
      state = state * 1664525u + 1013904223u;
      return static_cast<float>(static_cast<std::int32_t>(state)) * 0x1p-31f;
    };
    for (float& value : x) value = next();
    for (float& value : values) value = next();
    for (std::size_t i = 0; i < 2 * 16 * kRank; ++i) factor[i] = next();
    for (std::size_t i = 0; i < kRank * 16; ++i) {
      if (i % 16 < 5) factor[2 * 16 * kRank + i] = next();
    }
    const std::array<FusedPort, 2> both = {
        FusedPort{factor.data(), values.data(), sums.data(), kRank},
        FusedPort{factor.data() + 16 * kRank, values.data() + 9, sums.data() + 16 * kRank, kOther}};
    kernel.run({.x = x.data(),
                .bias = values.data(),
                .twice_j2 = values.data(),
                .four_j4 = values.data(),
                .noise = values.data(),
                .more_noise = ports == 1 ? nullptr : values.data(),
                .h_mu = 0.1f,
                .scale = 0.3f,
                .units = kUnits,
                .ports = {both.data(), ports}});
  }

  [[nodiscard]] bool operator==(const Trial& other) const noexcept {
    const auto bits = [](auto value) { return std::bit_cast<std::uint32_t>(value); };
    return std::ranges::equal(x, other.x, {}, bits, bits) &&
           std::ranges::equal(sums, other.sums, {}, bits, bits);
  }
};

bool agrees(const FusedKernel& kernel) noexcept {
  return Trial(kernel, 1) == Trial(kKernels[0], 1) && Trial(kernel, 2) == Trial(kKernels[0], 2);
}

}  // namespace

void fused_portable(const FusedBlock& block) noexcept { run_block(block); }

std::span<const FusedKernel> fused_kernels() noexcept { return kKernels; }

const FusedKernel& fused_kernel() noexcept {
  static const FusedKernel* const chosen = [] {
    const FusedKernel* best = &kKernels[0];
    for (const FusedKernel& kernel : kKernels) {
      if (kernel.supported() && agrees(kernel)) best = &kernel;
    }
    return best;
  }();
  return *chosen;
}

}  // namespace calx::thermo
