// How long something took, counted by many threads at once.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace calx::metrics {

/// Any thread may add while another reads; a reading may miss what is being added just then.
class LatencyCounter {
 public:
  static constexpr std::size_t kBuckets = 28;  // powers of two in us; the last is open: 67 s

  struct Reading {
    std::array<std::uint64_t, kBuckets> counts{};
    double sum_s = 0;
  };

  void add(std::chrono::nanoseconds latency) noexcept {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(0, latency.count()));
    const auto bucket = static_cast<std::size_t>(std::bit_width(ns / 1000));
    counts_[std::min(bucket, kBuckets - 1)].fetch_add(1, std::memory_order_relaxed);
    sum_ns_.fetch_add(ns, std::memory_order_relaxed);
  }

  [[nodiscard]] Reading read() const noexcept {
    Reading reading;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      reading.counts[i] = counts_[i].load(std::memory_order_relaxed);
    }
    reading.sum_s = static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) * 1e-9;
    return reading;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> sum_ns_ = 0;
};

}  // namespace calx::metrics
