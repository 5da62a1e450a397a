// A stamper that asks a cache first, where the policy says so.
#pragma once

#include <functional>
#include <stop_token>

#include "calx/base/result.h"
#include "calx/signal/policy.h"
#include "calx/work/stamper.h"

namespace calx::signal {

class Cache;

/// Told what a cache could not do; the request goes on without it.
using CacheTrouble = std::function<void(const Error& error)>;

/// CacheUse::kNever: `searcher` alone. kFirst: a kept answer of at least the policy's origin, else
/// `searcher`, whose answer is kept. kOnly: a kept answer or kNotFound. cache.h says what a kept
/// answer means. As thread-safe as its searcher.
class CachedStamper final : public work::Stamper {
 public:
  /// All must outlive it. `searcher` may be null where the policy never searches, `cache` where
  /// nothing is kept.
  CachedStamper(work::Stamper* searcher, Cache* cache, Policy policy, CacheTrouble trouble = {});

  /// Errors: those of the searcher; kNotFound (nothing kept, and no search allowed);
  /// kUnavailable (the searcher's answer is of an earlier origin than the policy wants).
  Result<work::StampedRequest> stamp(const hash::Digest& commitment, const work::Target& target,
                                     work::Deadline deadline, std::stop_token stop) override;

 private:
  work::Stamper* searcher_;
  Cache* cache_;
  Policy policy_;
  CacheTrouble trouble_;
};

/// The sentence for a request that only a cache may answer and does not.
std::unexpected<Error> not_kept(const hash::Digest& commitment);

}  // namespace calx::signal
