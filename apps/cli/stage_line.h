// What the verbs of `calx thermo` that run experiments share: their progress and how they end.
#pragma once

#include <chrono>
#include <string>

#include "apps/cli/verb.h"
#include "apps/neural/module.h"
#include "calx/base/result.h"

namespace calx::cli {

/// One line that rewrites itself on a terminal; a line for each stage and half minute elsewhere.
class StageLine {
 public:
  void operator()(const inference::Progress& now);

 private:
  std::string stage_;
  std::chrono::steady_clock::time_point shown_{};
};

/// The answers, or with --json the report itself; status 1 if a bar was missed.
Result<int> print_stage(const Session& session, const neural::StageOutcome& outcome);

}  // namespace calx::cli
