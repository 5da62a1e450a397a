#include "calx/thermo/philox_kernel.h"

#include <algorithm>

#include "calx/noise/compat/nv_philox.h"

namespace calx::thermo {
namespace {

bool always() noexcept { return true; }

void portable(const PhiloxRun& run, std::uint32_t* out, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i, out += 4) {
    const auto counter = run.first + static_cast<std::uint32_t>(i);
    const auto four = noise::compat::philox4x32({counter, run.chain, run.step, run.draw}, run.key);
    std::ranges::copy(four, out);
  }
}

constexpr PhiloxKernel kKernels[] = {
    {"portable", always, portable},
#ifdef CALX_THERMO_X86
    {"avx2", philox_has_avx2, philox_avx2},
    {"avx512", philox_has_avx512, philox_avx512},
#endif
};

// Many groups, single ones and a rest.
bool agrees(const PhiloxKernel& kernel) noexcept {
  constexpr std::size_t kCount = 75;
  const PhiloxRun run{{0xa4093822u, 0x299f31d0u}, 0xffffff00u, 0x85a308d3u, 0x13198a2eu, 3};
  std::array<std::uint32_t, 4 * kCount> wanted{}, got{};
  portable(run, wanted.data(), kCount);
  kernel.run(run, got.data(), kCount);
  return wanted == got;
}

}  // namespace

std::span<const PhiloxKernel> philox_kernels() noexcept { return kKernels; }

const PhiloxKernel& philox_kernel() noexcept {
  static const PhiloxKernel* const chosen = [] {
    const PhiloxKernel* best = &kKernels[0];
    for (const PhiloxKernel& kernel : kKernels) {
      if (kernel.supported() && agrees(kernel)) best = &kernel;
    }
    return best;
  }();
  return *chosen;
}

}  // namespace calx::thermo
