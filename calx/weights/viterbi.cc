#include "calx/weights/viterbi.h"

#include "calx/weights/viterbi_loop.h"

namespace calx::weights {
namespace {

bool always() noexcept { return true; }
#if defined(__x86_64__)
bool has_avx2() noexcept { return __builtin_cpu_supports("avx2"); }
bool has_avx512() noexcept {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}
#endif

constexpr ViterbiKernel kKernels[] = {
    {"portable", always, viterbi_portable},
#if defined(__x86_64__)
    {"avx2", has_avx2, viterbi_avx2},
    {"avx512", has_avx512, viterbi_avx512},
#endif
};

}  // namespace

void viterbi_portable(const ViterbiStep& step) noexcept { run_step(step); }

std::span<const ViterbiKernel> viterbi_kernels() noexcept { return kKernels; }

const ViterbiKernel& viterbi_kernel() noexcept {
  static const ViterbiKernel* const chosen = [] {
    const ViterbiKernel* best = &kKernels[0];
    for (const ViterbiKernel& kernel : kKernels) {
      if (kernel.supported()) best = &kernel;
    }
    return best;
  }();
  return *chosen;
}

}  // namespace calx::weights
