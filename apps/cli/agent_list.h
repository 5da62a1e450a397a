// Many agents in one word: `--engine agents=FILE`.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "calx/base/result.h"

namespace calx::cli {

inline constexpr std::size_t kAgentListBytesMax = 1 << 20;

/// Each "agents=FILE" becomes one "bridge=LINE" for every line of the file, in its order; empty
/// lines and those that begin with # are left out. Other texts stay as they are.
/// Errors: kInvalidArgument (a file without an agent), those of read_file().
Result<std::vector<std::string>> expand_agents(const std::vector<std::string>& engines);

}  // namespace calx::cli
