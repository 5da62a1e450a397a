// Shared modules that calx opens on the first verb that needs them.
#pragma once

#include <string_view>

#include "calx/base/result.h"

namespace calx::cli {

/// The symbol `entry` of `file`, from beside the executable or from ../lib*/calx as installed.
/// `option` is what builds the module, as in "-DCALX_NN=ON".
/// Errors: kUnavailable names the places that were looked at, or what the loader said.
Result<void*> open_shared_module(const char* file, const char* entry, std::string_view option);

}  // namespace calx::cli
