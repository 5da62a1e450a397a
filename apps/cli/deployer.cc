#include "apps/cli/deployer.h"

#include "apps/cli/shared_module.h"

namespace calx::cli {

Result<deploy::Module*> deploy_module() {
  CALX_ASSIGN(symbol, open_shared_module("libcalx_deploy.so", deploy::kEntry,
                                         "-DCALX_DEPLOY=ON and libssh-dev"));
  using Entry = deploy::Module* (*)(std::uint32_t);
  deploy::Module* module = reinterpret_cast<Entry>(symbol)(deploy::kAbi);
  if (module == nullptr) {
    return fail(ErrorCode::kUnavailable, "libcalx_deploy.so belongs to another version of calx");
  }
  return module;
}

}  // namespace calx::cli
