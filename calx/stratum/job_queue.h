// Callers who want a share, one after the other; and the server that finds it for them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

#include "calx/base/result.h"
#include "calx/stratum/issued_jobs.h"
#include "calx/work/job_runner.h"

namespace calx::stratum {

/// Thread-safe. The server calls miners(), found() and stop(); anybody calls run().
class JobQueue {
 public:
  using Job = std::shared_ptr<PublishedJob>;

  /// `publish` is told the job that is now worked on, `retire` the one that is given up without a
  /// share. Both are called under a lock and must only pass the word on.
  JobQueue(std::size_t waiting_max, std::chrono::milliseconds no_miner_max,
           std::function<void(Job)> publish, std::function<void(Job)> retire);

  /// Bridge::run.
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop);

  /// How many could work on a job now.
  void miners(std::size_t count);
  /// A share of this job meets its target. Ignored unless it is the job that is worked on.
  void found(const std::shared_ptr<const PublishedJob>& job, work::FoundShare share);
  /// Every call returns kUnavailable, now and later; waits until the present ones have.
  void stop();

  [[nodiscard]] std::size_t waiting() const;  // behind the present one

 private:
  struct Call {
    Job published;
    std::optional<work::FoundShare> found = {};
  };

  Result<work::FoundShare> wait(Call& call, std::unique_lock<std::mutex>& lock,
                                std::stop_token stop);
  void leave(const Call& call);

  const std::size_t waiting_max_;
  const std::chrono::milliseconds no_miner_max_;
  const std::function<void(Job)> publish_, retire_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Call*> calls_;  // the first one is worked on
  std::size_t miners_ = 0;
  std::chrono::steady_clock::time_point no_miner_since_ = std::chrono::steady_clock::now();
  bool stopped_ = false;
};

}  // namespace calx::stratum
