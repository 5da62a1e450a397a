#include "calx/stratum/job_queue.h"

#include <fmt/format.h>

#include <algorithm>

namespace calx::stratum {
namespace {

constexpr std::chrono::hours kWaitMax{1};  // of one sleep; then the reasons are looked at again

Result<void> check_sizes(const work::Job& job) {
  if (job.extranonce1_bytes == work::kExtranonce1Bytes &&
      job.extranonce2_bytes == work::kExtranonce2Bytes) {
    return {};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("job: extranonces of {} and {} bytes, the bridge's have {} and {}",
                          job.extranonce1_bytes, job.extranonce2_bytes, work::kExtranonce1Bytes,
                          work::kExtranonce2Bytes));
}

}  // namespace

JobQueue::JobQueue(std::size_t waiting_max, std::chrono::milliseconds no_miner_max,
                   std::function<void(Job)> publish, std::function<void(Job)> retire)
    : waiting_max_(waiting_max),
      no_miner_max_(no_miner_max),
      publish_(std::move(publish)),
      retire_(std::move(retire)) {}

Result<work::FoundShare> JobQueue::run(const work::Job& job, std::stop_token stop) {
  CALX_TRY(work::check(job));
  CALX_TRY(check_sizes(job));
  Call call{std::make_shared<PublishedJob>(job)};
  std::unique_lock lock(mutex_);
  if (calls_.size() > waiting_max_) {
    return fail(
        ErrorCode::kResourceExhausted,
        fmt::format("bridge: {} jobs are waiting, at most {}", calls_.size() - 1, waiting_max_));
  }
  calls_.push_back(&call);
  if (calls_.front() == &call && !stopped_) publish_(call.published);
  auto found = wait(call, lock, stop);
  leave(call);
  lock.unlock();
  if (!found) return found;
  const work::CheckedShare checked = work::check_share(job, found->share);
  if (checked.verdict != work::ShareVerdict::kAccepted) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("bridge: a share failed the second check: {}", checked.reason));
  }
  return found;
}

Result<work::FoundShare> JobQueue::wait(Call& call, std::unique_lock<std::mutex>& lock,
                                        std::stop_token stop) {
  const auto began = std::chrono::steady_clock::now();
  const work::Deadline deadline = call.published->job.deadline;
  for (;;) {
    if (call.found) return *std::move(call.found);
    const auto now = std::chrono::steady_clock::now();
    if (stopped_) return fail(ErrorCode::kUnavailable, "the bridge was stopped");
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the search was stopped");
    if (now >= deadline) {
      return fail(ErrorCode::kDeadlineExceeded, "bridge: no share was found before the deadline");
    }
    auto wake = std::min(deadline, now + kWaitMax);
    if (miners_ == 0) {
      const auto give_up = std::max(began, no_miner_since_) + no_miner_max_;
      if (now >= give_up) {
        return fail(
            ErrorCode::kUnavailable,
            fmt::format("bridge: no miner was authorized for {} ms", no_miner_max_.count()));
      }
      wake = std::min(wake, give_up);
    }
    const bool had_miners = miners_ > 0;
    changed_.wait_until(lock, stop, wake, [&] {
      return call.found.has_value() || stopped_ || (miners_ > 0) != had_miners;
    });
  }
}

void JobQueue::leave(const Call& call) {
  const bool was_first = calls_.front() == &call;
  std::erase(calls_, &call);
  if (calls_.empty()) changed_.notify_all();
  if (!was_first || stopped_) return;
  if (!calls_.empty()) {
    publish_(calls_.front()->published);
  } else {
    retire_(call.published);
  }
}

void JobQueue::miners(std::size_t count) {
  const std::lock_guard lock(mutex_);
  if (miners_ > 0 && count == 0) no_miner_since_ = std::chrono::steady_clock::now();
  const bool turned = (miners_ > 0) != (count > 0);
  miners_ = count;
  if (turned) changed_.notify_all();
}

void JobQueue::found(const std::shared_ptr<const PublishedJob>& job, work::FoundShare share) {
  const std::lock_guard lock(mutex_);
  if (calls_.empty() || calls_.front()->published != job || calls_.front()->found) return;
  calls_.front()->found = std::move(share);
  changed_.notify_all();
}

void JobQueue::stop() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return calls_.empty(); });
}

std::size_t JobQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  return calls_.empty() ? 0 : calls_.size() - 1;
}

}  // namespace calx::stratum
