// Whoever can search a nonce: miners on a bridge, chips on a wire, this processor.
#pragma once

#include <cstdint>
#include <stop_token>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/work/job.h"
#include "calx/work/share.h"

namespace calx::work {

struct FoundShare {
  Share share = {};                   // checked again on the host before it is returned
  Origin origin = Origin::kModelled;  // of the searcher; set by it, raised by nobody
  std::uint64_t hashes = 0;           // tried by the searcher's own count; not verified, may be 0
};

class JobRunner {
 public:
  virtual ~JobRunner() = default;
  [[nodiscard]] virtual Origin origin() const noexcept = 0;

  /// Version bits that a job may leave to this runner, inside kVersionMask. A permission that it
  /// may leave unused; 0: it rolls none.
  [[nodiscard]] virtual std::uint32_t version_mask() const noexcept { return 0; }

  /// Searches until one share meets job.target. Finding nothing is never a share.
  /// Errors: kInvalidArgument (the job), kDeadlineExceeded (job.deadline), kCancelled (stop),
  /// kUnavailable (nobody to work), kDataLoss (every answer failed the host's check).
  /// One call at a time unless the runner says otherwise.
  virtual Result<FoundShare> run(const Job& job, std::stop_token stop) = 0;
};

}  // namespace calx::work
