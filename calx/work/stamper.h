// Whoever gives a request its stamp: a search, or a cache in front of one.
#pragma once

#include <memory>
#include <stop_token>

#include "calx/base/result.h"
#include "calx/work/job_runner.h"
#include "calx/work/request_tree.h"
#include "calx/work/stamp.h"
#include "calx/work/target.h"

namespace calx::work {

/// A stamp, which many requests may share, and the place of one of them in its tree.
struct StampedRequest {
  std::shared_ptr<const Stamp> stamp = {};
  TreePath path = {};
};

class Stamper {
 public:
  virtual ~Stamper() = default;

  /// A stamp of `target` and the place of `commitment` under it: root_of() gives the stamp's root,
  /// and check() holds. Deadline and stop as in JobRunner::run. Errors: those of run.
  /// One call at a time unless the stamper says otherwise.
  virtual Result<StampedRequest> stamp(const hash::Digest& commitment, const Target& target,
                                       Deadline deadline, std::stop_token stop) = 0;
};

/// One search for one request: a tree of one leaf, whose salt the operating system draws. As
/// thread-safe as its runner, which must outlive it.
class RunnerStamper final : public Stamper {
 public:
  explicit RunnerStamper(JobRunner& runner) noexcept : runner_(runner) {}
  Result<StampedRequest> stamp(const hash::Digest& commitment, const Target& target,
                               Deadline deadline, std::stop_token stop) override;

 private:
  JobRunner& runner_;
};

}  // namespace calx::work
