// Passwords: from a terminal, a descriptor or a file that is its owner's alone. Never from argv.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "calx/base/result.h"

namespace calx::cli {

/// Asks on the controlling terminal and does not show what is typed. Errors: kUnavailable when
/// there is no terminal, kCancelled at its end.
Result<std::string> ask_secret(std::string_view prompt);

/// The first line of a file that only its owner can read or write (mode 0600 or 0400).
/// Errors: kInvalidArgument (the mode, empty), kNotFound.
Result<std::string> read_secret_file(const std::filesystem::path& file);

/// The first line of an open descriptor, as in `--password-fd 3 3<file`.
/// Errors: kInvalidArgument (not open, empty).
Result<std::string> read_secret_descriptor(int descriptor);

}  // namespace calx::cli
