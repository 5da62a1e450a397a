// The file that holds a token, so that none stands on a command line.
#pragma once

#include <filesystem>
#include <string>

#include "calx/base/result.h"

namespace calx::cli {

/// The first line of a file, without its end. Errors: kInvalidArgument (empty, or longer than
/// remote::kTokenBytesMax), those of read_file().
Result<std::string> read_token(const std::filesystem::path& file);

}  // namespace calx::cli
