// The signer's key on disk: made once, readable by its owner alone, never replaced.
#pragma once

#include <filesystem>

#include "calx/base/result.h"
#include "calx/receipt/signature.h"

namespace calx::receipt {

struct KeyFile {
  SigningKey key;
  bool created = false;  // this call made it
};

/// Reads the key; if there is no such file, makes one (and its folder, 0700) with mode 0600.
/// Errors: kInvalidArgument (others may read it: mode beyond 0600; another owner; no regular file;
/// content), kUnavailable (system, libsodium). A file that cannot be read is never replaced.
Result<KeyFile> open_key_file(const std::filesystem::path& path);

}  // namespace calx::receipt
