#include "calx/stratum/metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace calx::stratum {

void LatencyHistogram::add(std::chrono::nanoseconds latency) noexcept {
  const auto microseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::microseconds>(latency).count()));
  const auto bucket = static_cast<std::size_t>(std::bit_width(microseconds));
  ++buckets_[std::min(bucket, kBuckets - 1)];
  ++count_;
  sum_s_ += static_cast<double>(latency.count()) * 1e-9;
}

std::chrono::microseconds LatencyHistogram::quantile(double q) const noexcept {
  if (count_ == 0) return {};
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while (bucket + 1 < kBuckets && (seen += buckets_[bucket]) < rank) ++bucket;
  return std::chrono::microseconds(std::int64_t{1} << bucket);
}

}  // namespace calx::stratum
