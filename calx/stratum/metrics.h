// What a bridge counts.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calx/base/origin.h"
#include "calx/stratum/reject.h"

namespace calx::stratum {

/// Counts of powers of two: bucket i holds latencies below 2^i microseconds, and not below half.
class LatencyHistogram {
 public:
  static constexpr std::size_t kBuckets = 28;  // the last one is open: 67 s and more

  void add(std::chrono::nanoseconds latency) noexcept;
  /// The upper bound of the bucket that holds this quantile, 0 < q <= 1; 0 when empty.
  [[nodiscard]] std::chrono::microseconds quantile(double q) const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] double sum_s() const noexcept { return sum_s_; }
  [[nodiscard]] const std::array<std::uint64_t, kBuckets>& buckets() const noexcept {
    return buckets_;
  }

 private:
  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  double sum_s_ = 0;
};

/// One name; all its connections, open and closed, together.
struct WorkerMetrics {
  std::string name = {};
  Origin origin = Origin::kModelled;  // the weakest of its connections
  std::uint32_t connections = 0;      // open now
  std::uint64_t accepted = 0;
  std::array<std::uint64_t, kRejectCodes> rejected = {};  // by index_of(code)
  bool named_liar = false;
  std::optional<std::chrono::milliseconds> last_share_age = {};
  double difficulty = 0;     // of its latest connection
  double hash_rate_hps = 0;  // estimated from accepted shares, open connections summed
};

struct BridgeMetrics {
  std::vector<WorkerMetrics> workers = {};  // by name
  std::uint32_t connections = 0;            // open now
  std::uint32_t miners = 0;                 // of them subscribed and authorized
  std::uint64_t connections_refused = 0;    // a limit was reached
  std::uint64_t slow_readers_dropped = 0;
  std::uint64_t jobs_published = 0;
  std::uint64_t jobs_found = 0;
  std::uint32_t jobs_waiting = 0;  // calls of run() behind the present one
  LatencyHistogram verdict = {};   // from a line read to its answer queued
};

}  // namespace calx::stratum
