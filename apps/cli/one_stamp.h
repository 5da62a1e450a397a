// One stamp for one commitment, for the verbs that make nothing else.
#pragma once

#include <stop_token>
#include <string>

#include "calx/base/result.h"
#include "calx/work/job_runner.h"

namespace calx::cli {

struct OneStamp {
  std::string commitment;  // 64 hex digits
  std::string out;         // a file; empty: stdout
  std::uint32_t work_bits = 20;
};

/// Searches, checks and writes the stamp as JSON. Its request tree has one leaf of salt zero: there
/// are no neighbours to hide from. Errors: those of make_stamp(), of the hex digits and of the
/// file.
Result<void> make_one_stamp(const OneStamp& wanted, work::JobRunner& runner,
                            work::Deadline deadline, std::stop_token stop);

}  // namespace calx::cli
