// Job runners for the tests of this layer: they search for real, with the faults that a test asks.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "calx/work/job_runner.h"
#include "calx/work/scanner_job_runner.h"
#include "calx/work/share.h"

namespace calx::signal {

enum class Conduct { kHonest, kDead, kSilent, kWrongNonce, kOtherJob, kAdmitsDataLoss };

class TestRunner final : public work::JobRunner {
 public:
  explicit TestRunner(Conduct conduct = Conduct::kHonest, Origin origin = Origin::kEmulated)
      : conduct_(conduct), origin_(origin) {}

  [[nodiscard]] Origin origin() const noexcept override { return origin_; }

  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override {
    if (inside_.fetch_add(1) != 0) overlapped_ = true;
    runs_.fetch_add(1);
    auto found = answer(job, std::move(stop));
    inside_.fetch_sub(1);
    return found;
  }

  /// Holds every run back until open() or the end of the run's time.
  void close() { open_ = false; }
  void open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void behave(Conduct conduct) { conduct_ = conduct; }
  [[nodiscard]] int runs() const { return runs_; }
  [[nodiscard]] bool overlapped() const { return overlapped_; }

 private:
  Result<work::FoundShare> answer(const work::Job& job, std::stop_token stop) {
    if (conduct_ == Conduct::kDead) return fail(ErrorCode::kUnavailable, "the wire is cut");
    if (conduct_ == Conduct::kAdmitsDataLoss) return fail(ErrorCode::kDataLoss, "all nonces bad");
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return open_ && conduct_ != Conduct::kSilent; };
    const auto limit = std::min<work::Deadline>(
        job.deadline, std::chrono::steady_clock::now() + std::chrono::minutes(5));
    if (!changed_.wait_until(lock, stop, limit, ready)) {
      if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "stopped");
      return fail(ErrorCode::kDeadlineExceeded, "silent");
    }
    lock.unlock();
    work::Job searched = job;
    if (conduct_ == Conduct::kOtherJob) searched.ntime ^= 0x40000000;
    auto found = work::software_runner().run(searched, stop);
    if (!found) return found;
    found->origin = origin_;
    if (conduct_ == Conduct::kWrongNonce) {
      do ++found->share.nonce;
      while (work::check_share(job, found->share).verdict == work::ShareVerdict::kAccepted);
    }
    return found;
  }

  std::atomic<Conduct> conduct_;
  Origin origin_;
  std::atomic<int> inside_ = 0, runs_ = 0;
  std::atomic<bool> overlapped_ = false, open_ = true;
  std::mutex mutex_;
  std::condition_variable_any changed_;
};

}  // namespace calx::signal
