#if defined(__x86_64__)
#if defined(__clang__)
#define CALX_WEIGHTS_TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))
#else
#define CALX_WEIGHTS_TARGET \
  __attribute__((target("avx512f,avx512bw,avx512vl,prefer-vector-width=512")))
#endif
#define CALX_WEIGHTS_LANES 16
#include "calx/weights/viterbi_loop.h"

namespace calx::weights {

CALX_WEIGHTS_TARGET void viterbi_avx512(const ViterbiStep& step) noexcept { run_step(step); }

}  // namespace calx::weights
#endif
