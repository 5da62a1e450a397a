// Opens the shared module with LibTorch on the first verb that needs it.
#pragma once

#include "apps/neural/module.h"
#include "calx/base/result.h"

namespace calx::cli {

/// libcalx_neural.so from beside the executable, or from ../lib*/calx as installed; loaded once.
/// A kernel forced by CALX_KERNEL is forced inside it too.
/// Errors: kUnavailable names the places that were looked at, or what the loader said.
Result<neural::Module*> neural_module();

}  // namespace calx::cli
