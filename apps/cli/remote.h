// Opens the shared module with gRPC on the first verb that needs it.
#pragma once

#include <filesystem>

#include "apps/remote/module.h"
#include "calx/base/result.h"

namespace calx::cli {

/// libcalx_remote.so, loaded once. A kernel forced by CALX_KERNEL is forced inside it too.
/// Errors: those of open_shared_module().
Result<remote::Module*> remote_module();

/// The first line of a file, without its end. Errors: kInvalidArgument (empty, or longer than
/// remote::kTokenBytesMax), those of read_file().
Result<std::string> read_token(const std::filesystem::path& file);

}  // namespace calx::cli
