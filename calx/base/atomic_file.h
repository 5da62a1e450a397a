// Files that exist whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "calx/base/result.h"

namespace calx {

/// Writes `bytes` to a temporary file beside `path`, fsyncs it, and renames it over `path`; then
/// fsyncs the folder. On an error `path` is as it was and the temporary file is gone.
/// `mode` holds the permission bits of a new file (0600 for keys).
/// Errors: kNotFound (no such folder), kResourceExhausted (disk full), kUnavailable (anything
/// else the system refuses); the message names the path and the system's reason.
Result<void> write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes,
                        unsigned mode = 0644);
Result<void> write_file(const std::filesystem::path& path, std::string_view text,
                        unsigned mode = 0644);

/// Like write_file, but refuses to replace an existing file: kInvalidArgument.
Result<void> create_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes,
                         unsigned mode = 0644);

/// The whole file, at most `bytes_max` bytes.
/// Errors: kNotFound; kResourceExhausted when it is larger; kUnavailable.
Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path,
                                            std::uint64_t bytes_max);

}  // namespace calx
