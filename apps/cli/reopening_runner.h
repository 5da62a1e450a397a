// A machine on a wire that may be pulled out and put back while a pool goes on without it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "calx/base/result.h"
#include "calx/work/job_runner.h"

namespace calx::cli {

/// Runs jobs on a machine until a run fails as unavailable; then lets go of it, and the next run
/// opens it anew. Who asks again, and when, is the business of the pool's breaker.
class ReopeningRunner final : public work::JobRunner {
 public:
  /// A machine that was opened; destroying it closes its wire.
  using Machine = std::shared_ptr<work::JobRunner>;
  using Open = std::function<Result<Machine>()>;

  /// `first` is open already; its origin and version bits stand for every later one.
  ReopeningRunner(Machine first, Open open);

  [[nodiscard]] Origin origin() const noexcept override { return origin_; }
  [[nodiscard]] std::uint32_t version_mask() const noexcept override { return version_mask_; }

  /// Errors: those of the machine and of opening it; kUnavailable when another one answers in its
  /// place: its origin is lower, or it does not roll the same version bits. Any thread may call;
  /// runs follow one another.
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override;

 private:
  Result<void> reopen();

  Origin origin_;
  std::uint32_t version_mask_;
  Open open_;
  std::mutex mutex_;
  Machine machine_;  // none while it is away
};

}  // namespace calx::cli
