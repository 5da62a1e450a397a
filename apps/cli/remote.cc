#include "apps/cli/remote.h"

#include <cstdlib>

#include "apps/cli/shared_module.h"

namespace calx::cli {

Result<remote::Module*> remote_module() {
  static remote::Module* loaded = nullptr;
  if (loaded != nullptr) return loaded;
  CALX_ASSIGN(symbol, open_shared_module("libcalx_remote.so", remote::kEntry, "-DCALX_SERVER=ON"));
  using Entry = remote::Module* (*)(std::uint32_t);
  remote::Module* module = reinterpret_cast<Entry>(symbol)(remote::kAbi);
  if (module == nullptr) {
    return fail(ErrorCode::kUnavailable, "libcalx_remote.so belongs to another version of calx");
  }
  if (const char* kernel = std::getenv("CALX_KERNEL"); kernel != nullptr && *kernel != '\0') {
    CALX_TRY(module->use_kernel(kernel));
  }
  loaded = module;
  return loaded;
}

}  // namespace calx::cli
