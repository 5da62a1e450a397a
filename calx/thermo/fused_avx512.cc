#if defined(__x86_64__)
#define CALX_THERMO_TARGET __attribute__((target("avx512f")))
#include "calx/thermo/fused_loop.h"

namespace calx::thermo {

CALX_THERMO_TARGET void fused_avx512(const FusedBlock& block) noexcept { run_block(block); }

}  // namespace calx::thermo
#endif
