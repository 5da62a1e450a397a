#include "calx/signal/batcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "calx/hash/sha256.h"
#include "calx/signal/cache.h"
#include "calx/signal/journal.h"

namespace calx::signal {
namespace detail {

using Clock = std::chrono::steady_clock;

struct Batch {
  std::vector<std::shared_ptr<PendingRequest>> requests;
  std::size_t wanted = 0;  // not cancelled
  std::stop_source stop;
};

struct PendingRequest {
  BatchRequest request;
  work::Salt salt{};
  Clock::time_point arrived{};
  std::shared_ptr<Batch> batch = {};  // while its stamp is searched
  std::optional<Result<StampedRequest>> answer = {};
  bool accepted = false;  // in the queue; before that its journal record is being written
  bool cancelled = false;
};

using Pending = std::shared_ptr<PendingRequest>;

// One call of submit() on its way.
struct Submission {
  std::vector<Pending> places = {};             // of all its requests
  std::vector<Pending> fresh = {};              // not queued yet
  std::vector<AcceptedRequest> unwritten = {};  // those of them that the journal does not hold
  std::vector<std::pair<Pending, StampedRequest>> hits = {};  // what the cache answers
};

struct BatcherCore {
  BatcherCore(work::JobRunner& wanted_runner, BatcherOptions wanted)
      : runner(wanted_runner), options(std::move(wanted)) {
    std::random_device device;
    for (auto& byte : salt_key) byte = static_cast<std::uint8_t>(device());
  }

  work::JobRunner& runner;
  BatcherOptions options;
  hash::Digest salt_key{};
  mutable std::mutex mutex;
  std::condition_variable_any arrived, answered;
  std::deque<Pending> queue;
  std::uint64_t queued_bytes = 0, salts = 0;
  std::size_t reserved = 0;  // accepted by submit(), on their way into the queue
  std::map<RequestId, Pending> known;
  std::deque<Pending> finished;  // oldest first, those of `known` that may be forgotten
  BatcherCounts counts;
  std::vector<std::jthread> workers;
  bool stopped = false;

  // All below: the caller holds the mutex, unless they say otherwise.
  void enqueue(const Pending& pending);
  void forget(const Pending& pending);
  void finish(const Pending& pending, Result<StampedRequest> answer);
  Result<Pending> known_request(const BatchRequest& request) const;
  [[nodiscard]] std::vector<std::optional<StampedRequest>> kept(
      std::span<const BatchRequest> requests) const;  // without it
  void keep(std::span<const CacheItem> items) const;  // without it
  std::shared_ptr<Batch> take(std::vector<Pending>& withdrawn);
  void withdraw(const std::vector<Pending>& withdrawn);  // without it
  void work(const std::stop_token& stop);
  void run_batch(const std::shared_ptr<Batch>& batch, const std::stop_token& stop);  // without it
  Result<std::vector<StampedRequest>> stamp(Batch& batch, const std::stop_token& stop);  // without
  Result<void> sort(std::span<const BatchRequest> requests,
                    std::span<const std::optional<StampedRequest>> kept_answers,
                    Submission& submission);
  Result<void> record(const Submission& submission);  // without it
  Result<std::vector<Ticket>> submit(std::span<const BatchRequest> requests,
                                     const std::shared_ptr<BatcherCore>& self);  // without it
  void shut();                                                                   // without it
};

namespace {

void at_step(const BatcherCore& core, std::string_view name) {
  if (core.options.step) core.options.step(name);
}

}  // namespace

// What the cache holds for each request; trouble with it is told and costs a search.
std::vector<std::optional<StampedRequest>> BatcherCore::kept(
    std::span<const BatchRequest> requests) const {
  std::vector<std::optional<StampedRequest>> answers(requests.size());
  if (options.cache == nullptr || options.cache_use == CacheUse::kNever) return answers;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto found = options.cache->find(requests[i].commitment, options.target, options.origin_min);
    if (found) {
      answers[i] = std::move(*found);
    } else if (options.trouble) {
      options.trouble(found.error());
    }
  }
  return answers;
}

void BatcherCore::keep(std::span<const CacheItem> items) const {
  if (items.empty()) return;
  const auto written = options.cache->keep(items);
  if (!written && options.trouble) options.trouble(written.error());
}

// The journal records of a submission: what is to be stamped, and what the cache answered.
Result<void> BatcherCore::record(const Submission& submission) {
  if (options.journal == nullptr) return {};
  if (!submission.unwritten.empty()) {
    at_step(*this, "batcher.before_accept");
    CALX_TRY(options.journal->accept(submission.unwritten));
    at_step(*this, "batcher.accepted");
  }
  for (const auto& [pending, answer] : submission.hits) {
    const AcceptedRequest request{pending->request.id, pending->request.commitment};
    CALX_TRY(options.journal->record_answer(request, answer));
    at_step(*this, "batcher.answered");
  }
  return {};
}

void BatcherCore::enqueue(const Pending& pending) {
  const auto digest = hash::Sha256().update(salt_key).update_u64(salts++).finish();
  std::copy_n(digest.begin(), pending->salt.size(), pending->salt.begin());
  pending->arrived = Clock::now();
  pending->accepted = true;
  queue.push_back(pending);
  queued_bytes += pending->request.bytes;
  ++counts.accepted;
}

void BatcherCore::finish(const Pending& pending, Result<StampedRequest> answer) {
  pending->batch.reset();
  if (answer) {
    ++counts.stamped;
    finished.push_back(pending);
    if (finished.size() > options.remembered_max) {
      known.erase(finished.front()->request.id);
      finished.pop_front();
    }
  }
  pending->answer = std::move(answer);
}

// Their ids may come again, once the journal has forgotten them.
void BatcherCore::withdraw(const std::vector<Pending>& withdrawn) {
  if (withdrawn.empty()) return;
  std::vector<RequestId> ids;
  for (const Pending& pending : withdrawn) ids.push_back(pending->request.id);
  // A failure shows again, and louder, at the next record.
  if (options.journal != nullptr) static_cast<void>(options.journal->drop(ids));
  const std::scoped_lock lock(mutex);
  for (const Pending& pending : withdrawn) forget(pending);
}

void BatcherCore::forget(const Pending& pending) {
  const auto found = known.find(pending->request.id);
  if (found != known.end() && found->second == pending) known.erase(found);
}

Result<Pending> BatcherCore::known_request(const BatchRequest& request) const {
  const auto differs = [] {
    return fail(ErrorCode::kInvalidArgument, "this request id is known with another commitment");
  };
  if (const auto found = known.find(request.id); found != known.end()) {
    if (found->second->request.commitment != request.commitment) return differs();
    return found->second;
  }
  if (options.journal == nullptr) return Pending();
  const auto entry = options.journal->find(request.id);
  if (!entry) return Pending();
  if (entry->commitment != request.commitment) return differs();
  auto pending = std::make_shared<PendingRequest>();
  pending->request = request;
  if (!entry->stamped) return pending;  // its stamp failed before: to be queued again
  CALX_ASSIGN(stamped, options.journal->stamped(request.id));
  pending->answer = std::move(stamped);
  pending->accepted = true;
  return pending;
}

// The next batch; requests that nobody waits for any more are left out and listed.
std::shared_ptr<Batch> BatcherCore::take(std::vector<Pending>& withdrawn) {
  auto batch = std::make_shared<Batch>();
  const auto now = Clock::now();
  std::uint64_t bytes = 0;
  while (!queue.empty() && batch->requests.size() < options.requests_max) {
    const Pending pending = queue.front();
    if (!batch->requests.empty() && bytes + pending->request.bytes > options.bytes_max) break;
    queue.pop_front();
    queued_bytes -= pending->request.bytes;
    if (pending->cancelled) {
      withdrawn.push_back(pending);
      continue;
    }
    if (pending->request.deadline <= now) {
      ++counts.expired;
      withdrawn.push_back(pending);
      finish(pending, fail(ErrorCode::kDeadlineExceeded, "no batch began before the deadline"));
      continue;
    }
    bytes += pending->request.bytes;
    pending->batch = batch;
    batch->requests.push_back(pending);
  }
  batch->wanted = batch->requests.size();
  counts.in_flight += batch->requests.size();
  return batch;
}

void BatcherCore::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex);
  while (arrived.wait(lock, stop, [this] { return !queue.empty(); })) {
    const auto close_at = queue.front()->arrived + options.window;
    arrived.wait_until(lock, stop, close_at, [this] {
      return queue.empty() || queue.size() >= options.requests_max ||
             queued_bytes >= options.bytes_max;
    });
    if (stop.stop_requested()) return;
    std::vector<Pending> withdrawn;
    const auto batch = take(withdrawn);
    answered.notify_all();
    lock.unlock();
    withdraw(withdrawn);
    if (!batch->requests.empty()) run_batch(batch, stop);
    lock.lock();
  }
}

Result<std::vector<StampedRequest>> BatcherCore::stamp(Batch& batch, const std::stop_token& stop) {
  std::vector<work::TreeLeaf> leaves;
  std::vector<work::Salt> salts_in_order;
  std::vector<AcceptedRequest> accepted;
  const auto latest = Clock::now() + options.stamp_timeout;
  auto deadline = work::Deadline::min();
  for (const Pending& pending : batch.requests) {
    leaves.push_back({pending->request.commitment, pending->salt});
    salts_in_order.push_back(pending->salt);
    accepted.push_back({pending->request.id, pending->request.commitment});
    deadline = std::max(deadline, pending->request.deadline);
  }
  CALX_ASSIGN(tree, work::RequestTree::build(leaves));
  const std::stop_callback forward(stop, [&batch] { batch.stop.request_stop(); });
  CALX_ASSIGN(made,
              work::make_stamp(tree, options.target, runner,
                               std::min<work::Deadline>(deadline, latest), batch.stop.get_token()));
  at_step(*this, "batcher.stamp_found");
  if (options.journal != nullptr) {
    CALX_TRY(options.journal->record_stamp(made, accepted, salts_in_order));
  }
  at_step(*this, "batcher.stamp_recorded");
  const auto shared = std::make_shared<const work::Stamp>(std::move(made));
  std::vector<StampedRequest> answers(leaves.size());
  for (std::uint32_t i = 0; i < answers.size(); ++i) answers[i] = {shared, tree.path(i)};
  return answers;
}

void BatcherCore::run_batch(const std::shared_ptr<Batch>& batch, const std::stop_token& stop) {
  auto answers = stamp(*batch, stop);
  std::vector<Pending> withdrawn;
  std::vector<CacheItem> kept_now;
  if (answers && options.cache != nullptr && options.cache_use == CacheUse::kFirst) {
    for (std::size_t i = 0; i < answers->size(); ++i) {
      kept_now.push_back({batch->requests[i]->request.commitment, (*answers)[i]});
    }
  }
  {
    const std::scoped_lock lock(mutex);
    counts.in_flight -= batch->requests.size();
    if (answers) ++counts.stamps;
    for (std::size_t i = 0; i < batch->requests.size(); ++i) {
      const Pending& pending = batch->requests[i];
      if (answers) {
        finish(pending, std::move((*answers)[i]));
        continue;
      }
      if (pending->cancelled) {
        withdrawn.push_back(pending);
      } else {
        ++counts.failed;
        forget(pending);  // may come again
      }
      finish(pending, stop.stop_requested()
                          ? fail(ErrorCode::kUnavailable, "the batcher stopped before the stamp")
                          : std::unexpected(answers.error()));
    }
    answered.notify_all();
  }
  withdraw(withdrawn);
  at_step(*this, "batcher.delivered");
  keep(kept_now);
}

// Finds out what each request is. On an error the submission holds what was done before.
Result<void> BatcherCore::sort(std::span<const BatchRequest> requests,
                               std::span<const std::optional<StampedRequest>> kept_answers,
                               Submission& submission) {
  const auto now = Clock::now();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const BatchRequest& request = requests[i];
    if (stopped) return fail(ErrorCode::kUnavailable, "the batcher has stopped");
    CALX_ASSIGN(place, known_request(request));
    const bool in_journal = place != nullptr;
    if (!in_journal) {
      place = std::make_shared<PendingRequest>();
      place->request = request;
    }
    submission.places.push_back(place);
    if (place->answer || known.contains(request.id)) continue;
    if (request.deadline <= now) {
      return fail(ErrorCode::kDeadlineExceeded, "the deadline of the request is past");
    }
    if (const auto& kept = kept_answers[i]) {
      known.emplace(request.id, place);
      submission.hits.emplace_back(place, *kept);
      continue;
    }
    if (options.cache_use == CacheUse::kOnly) return not_kept(request.commitment);
    if (queue.size() + reserved + submission.fresh.size() >= options.queued_max) {
      return fail(ErrorCode::kResourceExhausted, fmt::format("{} requests wait already, at most {}",
                                                             queue.size(), options.queued_max));
    }
    known.emplace(request.id, place);
    submission.fresh.push_back(place);
    if (!in_journal) submission.unwritten.push_back({request.id, request.commitment});
  }
  return {};
}

Result<std::vector<Ticket>> BatcherCore::submit(std::span<const BatchRequest> requests,
                                                const std::shared_ptr<BatcherCore>& self) {
  const auto kept_answers = kept(requests);
  Submission submission;
  std::unique_lock lock(mutex);
  auto done = sort(requests, kept_answers, submission);
  if (done) {
    reserved += submission.fresh.size();
    lock.unlock();
    done = record(submission);
    lock.lock();
    reserved -= submission.fresh.size();
    if (done && stopped) done = fail(ErrorCode::kUnavailable, "the batcher has stopped");
  }
  if (!done) {
    for (auto& [pending, answer] : submission.hits) submission.fresh.push_back(pending);
    for (const Pending& pending : submission.fresh) {
      pending->answer = std::unexpected(done.error());
      forget(pending);
    }
    answered.notify_all();
    return std::unexpected(done.error());
  }
  for (const Pending& pending : submission.fresh) enqueue(pending);
  for (auto& [pending, answer] : submission.hits) {
    pending->accepted = true;
    ++counts.accepted, ++counts.cached;
    finish(pending, std::move(answer));
  }
  arrived.notify_all();
  answered.notify_all();
  // Another call may be writing the journal record of an id that this one repeats.
  for (const Pending& place : submission.places) {
    answered.wait(lock, [&] { return place->accepted || place->answer; });
  }
  std::vector<Ticket> tickets;
  tickets.reserve(submission.places.size());
  for (Pending& place : submission.places) tickets.emplace_back(self, std::move(place));
  return tickets;
}

void BatcherCore::shut() {
  {
    const std::scoped_lock lock(mutex);
    stopped = true;
  }
  workers.clear();  // asks them to stop and waits
  const std::scoped_lock lock(mutex);
  for (const Pending& pending : queue) {
    finish(pending, fail(ErrorCode::kUnavailable, "the batcher stopped before the stamp"));
  }
  queue.clear();
  answered.notify_all();
}

}  // namespace detail

using detail::BatcherCore;

Ticket::Ticket(std::shared_ptr<BatcherCore> core,
               std::shared_ptr<detail::PendingRequest> request) noexcept
    : core_(std::move(core)), request_(std::move(request)) {}

bool Ticket::ready() const {
  const std::scoped_lock lock(core_->mutex);
  return request_->answer.has_value();
}

Result<StampedRequest> Ticket::wait(std::stop_token stop) const {
  std::unique_lock lock(core_->mutex);
  const auto over = [this] { return request_->answer.has_value() || request_->cancelled; };
  const auto deadline = request_->request.deadline;
  if (deadline == work::Deadline::max()) {
    core_->answered.wait(lock, stop, over);
  } else {
    core_->answered.wait_until(lock, stop, deadline, over);
  }
  const auto& answer = request_->answer;
  if (answer.has_value() && (!request_->cancelled || answer->has_value())) return *answer;
  if (request_->cancelled) return fail(ErrorCode::kCancelled, "the request was cancelled");
  if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the wait was stopped");
  return fail(ErrorCode::kDeadlineExceeded,
              "no stamp before the deadline of the request; it may still be stamped");
}

void Ticket::cancel() const {
  std::stop_source unwanted(std::nostopstate);
  {
    const std::scoped_lock lock(core_->mutex);
    if (request_->answer || request_->cancelled) return;
    request_->cancelled = true;
    ++core_->counts.cancelled;
    if (request_->batch != nullptr && --request_->batch->wanted == 0) {
      unwanted = request_->batch->stop;
    }
    // A request that no batch took is forgotten at once: its id may come again.
    if (request_->batch == nullptr && core_->options.journal == nullptr) core_->forget(request_);
    core_->answered.notify_all();
  }
  unwanted.request_stop();
}

Batcher::Batcher(work::JobRunner& runner, BatcherOptions options)
    : core_(std::make_shared<BatcherCore>(runner, std::move(options))) {
  // Without searches what is pending waits for a batcher that has them.
  if (core_->options.journal != nullptr && core_->options.cache_use != CacheUse::kOnly) {
    const std::scoped_lock lock(core_->mutex);
    for (const AcceptedRequest& request : core_->options.journal->pending()) {
      auto pending = std::make_shared<detail::PendingRequest>();
      pending->request = {.id = request.id, .commitment = request.commitment};
      core_->known.emplace(request.id, pending);
      core_->enqueue(pending);
    }
  }
  for (unsigned i = 0; i < std::max(1u, core_->options.stamps_at_once); ++i) {
    core_->workers.emplace_back(
        [core = core_.get()](const std::stop_token& stop) { core->work(stop); });
  }
}

Batcher::~Batcher() { core_->shut(); }

Result<std::vector<Ticket>> Batcher::submit(std::span<const BatchRequest> requests) {
  return core_->submit(requests, core_);
}

Result<Ticket> Batcher::submit(const BatchRequest& request) {
  CALX_ASSIGN(tickets, core_->submit(std::span(&request, 1), core_));
  return tickets.front();
}

BatcherCounts Batcher::counts() const {
  const std::scoped_lock lock(core_->mutex);
  BatcherCounts counts = core_->counts;
  counts.queued = core_->queue.size();
  return counts;
}

}  // namespace calx::signal
