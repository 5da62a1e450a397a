// A change to somebody's miner: shown first, and its way back saved before it is made.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "calx/base/result.h"

namespace calx::cli {

struct UndoableChange {
  std::string noun;                // "redirection"
  std::vector<std::string> lines;  // what will be otherwise
  std::string saved;               // file for the way back
  std::function<Result<void>(const std::filesystem::path&)> save;
  std::function<Result<void>()> apply;
};

/// Prints the lines, saves the way back, applies, and says how to undo it; a dry run ends after the
/// lines. JSON comes at the end: changes, done, saved.
/// Errors: kInvalidArgument (the file is there: it may be the way back of an earlier change), those
/// of save and apply; after a failed apply the sentence names the file.
Result<int> carry_out(const UndoableChange& change, bool dry_run, bool json);

}  // namespace calx::cli
