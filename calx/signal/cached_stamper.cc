#include "calx/signal/cached_stamper.h"

#include <fmt/format.h>

#include <utility>

#include "calx/base/hex.h"
#include "calx/signal/cache.h"

namespace calx::signal {

std::unexpected<Error> not_kept(const hash::Digest& commitment) {
  return fail(ErrorCode::kNotFound,
              fmt::format("the cache holds no stamp for commitment {}, and this policy starts no "
                          "search",
                          to_hex(commitment)));
}

CachedStamper::CachedStamper(work::Stamper* searcher, Cache* cache, Policy policy,
                             CacheTrouble trouble)
    : searcher_(searcher), cache_(cache), policy_(policy), trouble_(std::move(trouble)) {}

Result<work::StampedRequest> CachedStamper::stamp(const hash::Digest& commitment,
                                                  const work::Target& target,
                                                  work::Deadline deadline, std::stop_token stop) {
  const bool caches = cache_ != nullptr && policy_.cache != CacheUse::kNever;
  if (caches) {
    auto kept = cache_->find(commitment, target, policy_.origin_min);
    if (kept && *kept) return std::move(**kept);
    if (!kept && trouble_) trouble_(kept.error());
  }
  if (policy_.cache == CacheUse::kOnly || !policy_.search || searcher_ == nullptr) {
    return not_kept(commitment);
  }
  CALX_ASSIGN(made, searcher_->stamp(commitment, target, deadline, std::move(stop)));
  if (made.stamp->origin < policy_.origin_min) {
    return fail(
        ErrorCode::kUnavailable,
        fmt::format("the stamp is of origin {}, and policy {} wants at least {}",
                    to_string(made.stamp->origin), policy_.name, to_string(policy_.origin_min)));
  }
  if (caches) {
    const CacheItem item{commitment, made};
    const auto written = cache_->keep({&item, 1});
    if (!written && trouble_) trouble_(written.error());
  }
  return std::move(made);
}

}  // namespace calx::signal
