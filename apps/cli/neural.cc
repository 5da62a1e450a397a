#include "apps/cli/neural.h"

#include <cstdlib>

#include "apps/cli/shared_module.h"

namespace calx::cli {

Result<neural::Module*> neural_module() {
  static neural::Module* loaded = nullptr;
  if (loaded != nullptr) return loaded;
  // Spinning OpenMP workers starve each other where cores are shared; this must stand before the
  // runtime is loaded, and the user's own setting goes first.
  ::setenv("OMP_WAIT_POLICY", "passive", 0);
  CALX_ASSIGN(symbol, open_shared_module("libcalx_neural.so", neural::kEntry, "-DCALX_NN=ON"));
  using Entry = neural::Module* (*)(std::uint32_t);
  neural::Module* module = reinterpret_cast<Entry>(symbol)(neural::kAbi);
  if (module == nullptr) {
    return fail(ErrorCode::kUnavailable, "libcalx_neural.so belongs to another version of calx");
  }
  if (const char* kernel = std::getenv("CALX_KERNEL"); kernel != nullptr && *kernel != '\0') {
    CALX_TRY(module->use_kernel(kernel));
  }
  loaded = module;
  return loaded;
}

}  // namespace calx::cli
