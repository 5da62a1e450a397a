// Opens the shared module with libssh on the first verb that needs it.
#pragma once

#include "apps/deploy/module.h"
#include "calx/base/result.h"

namespace calx::cli {

/// libcalx_deploy.so, loaded once. Errors: those of open_shared_module().
Result<deploy::Module*> deploy_module();

}  // namespace calx::cli
