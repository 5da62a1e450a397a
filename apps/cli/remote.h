// Opens the shared module with gRPC on the first verb that needs it.
#pragma once

#include "apps/cli/token_file.h"
#include "apps/remote/module.h"
#include "calx/base/result.h"

namespace calx::cli {

/// libcalx_remote.so, loaded once; in calx-agent, which is linked whole, the same object without a
/// file. A kernel forced by CALX_KERNEL is forced inside it too.
/// Errors: those of open_shared_module().
Result<remote::Module*> remote_module();

}  // namespace calx::cli
