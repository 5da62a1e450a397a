// Requests that arrive together share one stamp: a slow miner serves a fast server.
//
// Work goes on meanwhile: a ticket is asked when its stamp is needed.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "calx/base/result.h"
#include "calx/signal/cached_stamper.h"
#include "calx/signal/policy.h"
#include "calx/signal/request.h"
#include "calx/work/job_runner.h"
#include "calx/work/target.h"

namespace calx::signal {

class Cache;
class Journal;

struct BatcherOptions {
  work::Target target = {};
  std::chrono::microseconds window =
      std::chrono::milliseconds(20);                  // after a batch's first request
  std::size_t requests_max = 65'536;                  // of a batch; it closes when it has so many
  std::uint64_t bytes_max = std::uint64_t{64} << 20;  // of a batch, summed over request.bytes
  std::size_t queued_max = 262'144;                   // waiting for a batch, at most
  std::chrono::milliseconds stamp_timeout = std::chrono::hours(1);
  unsigned stamps_at_once = 1;            // more only for a runner that is thread-safe
  std::size_t remembered_max = 1u << 20;  // finished requests whose ids are known without a journal
  Journal* journal = nullptr;  // must outlive the batcher; its pending requests come first
  Cache* cache = nullptr;      // must outlive the batcher; asked before a search, told after it
  CacheUse cache_use = CacheUse::kFirst;
  Origin origin_min = Origin::kModelled;  // of an answer from the cache
  CacheTrouble trouble = {};              // may be called by any thread
  StepHook step = {};
};

struct BatchRequest {
  RequestId id{};
  hash::Digest commitment{};
  std::uint64_t bytes = 0;  // of what waits for it; closes a batch early, nothing else
  work::Deadline deadline = work::Deadline::max();
};

struct BatcherCounts {
  std::uint64_t accepted = 0, stamped = 0, failed = 0, cancelled = 0, expired = 0;  // requests
  std::uint64_t stamps = 0, cached = 0;  // searched; requests answered from the cache
  std::size_t queued = 0, in_flight = 0;
};

namespace detail {
struct BatcherCore;
struct PendingRequest;
}  // namespace detail

/// A place in the queue. Copies are the same place; any thread may use any of them, also after the
/// batcher is gone.
class Ticket {
 public:
  Ticket(std::shared_ptr<detail::BatcherCore> core,
         std::shared_ptr<detail::PendingRequest> request) noexcept;

  [[nodiscard]] bool ready() const;
  /// The stamp and the path to it, as often as asked. Errors: kDeadlineExceeded (the request's
  /// deadline; it may still be stamped), kCancelled (cancel(), or `stop`, which leaves the request
  /// as it is), kUnavailable (the batcher stopped), and those of JobRunner::run.
  [[nodiscard]] Result<StampedRequest> wait(std::stop_token stop = {}) const;
  /// For every ticket of this id. A request in a running batch stays a leaf of its tree; the search
  /// itself stops when nobody waits for it any more.
  void cancel() const;

 private:
  std::shared_ptr<detail::BatcherCore> core_;
  std::shared_ptr<detail::PendingRequest> request_;
};

/// Any thread may call at any time.
class Batcher {
 public:
  /// `runner` must outlive the batcher.
  Batcher(work::JobRunner& runner, BatcherOptions options);
  /// Stops searches and tells those who wait kUnavailable. What the journal holds is done by the
  /// next batcher.
  ~Batcher();
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;

  /// Accepts all requests or none; with a journal they are on the disk when it returns. An id that
  /// is known gets the ticket or the stamp it had: no id is ever stamped twice. After a failed
  /// stamp the same id may be submitted again. A request that the cache answers has its stamp when
  /// this returns, in the journal too; cache.h says what such a stamp means.
  /// Errors: kInvalidArgument (a known id with another commitment), kNotFound (CacheUse::kOnly, and
  /// nothing kept), kResourceExhausted (queued_max;
  /// come back later), kDeadlineExceeded (a deadline in the past), those of the journal.
  Result<std::vector<Ticket>> submit(std::span<const BatchRequest> requests);
  Result<Ticket> submit(const BatchRequest& request);

  [[nodiscard]] BatcherCounts counts() const;

 private:
  std::shared_ptr<detail::BatcherCore> core_;
};

}  // namespace calx::signal
