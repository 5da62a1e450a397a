#if defined(__x86_64__)
#define CALX_WEIGHTS_TARGET __attribute__((target("avx2")))
#define CALX_WEIGHTS_LANES 8
#include "calx/weights/viterbi_loop.h"

namespace calx::weights {

CALX_WEIGHTS_TARGET void viterbi_avx2(const ViterbiStep& step) noexcept { run_step(step); }

}  // namespace calx::weights
#endif
