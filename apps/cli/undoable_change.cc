#include "apps/cli/undoable_change.h"

#include <fmt/format.h>

#include <cstdio>

#include "apps/cli/verb.h"
#include "calx/format/canonical_json.h"

namespace calx::cli {
namespace {

Result<void> make(const UndoableChange& change) {
  if (std::filesystem::exists(change.saved)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} holds the way back of an earlier {}: restore that first, or name "
                            "another file with --saved",
                            change.saved, change.noun));
  }
  CALX_TRY(change.save(change.saved));
  if (auto applied = change.apply(); !applied) {
    return fail(applied.error().code,
                fmt::format("{}; the way back is saved: calx device restore {}",
                            applied.error().message, change.saved));
  }
  return {};
}

}  // namespace

Result<int> carry_out(const UndoableChange& change, bool dry_run, bool json) {
  if (!json) {
    for (const std::string& line : change.lines) fmt::print("{}\n", line);
    std::fflush(stdout);
  }
  if (!dry_run) CALX_TRY(make(change));
  if (!json) {
    fmt::print("{}\n",
               dry_run ? "dry run: nothing was changed"
                       : fmt::format("done; undo it with: calx device restore {}", change.saved));
    return kDone;
  }
  auto list = format::Json::array();
  for (const std::string& line : change.lines) list.push(line);
  CALX_ASSIGN(text, format::encode_pretty_json(format::Json{
                        {"changes", list}, {"done", !dry_run}, {"saved", change.saved}}));
  fmt::print("{}", text);
  return kDone;
}

}  // namespace calx::cli
