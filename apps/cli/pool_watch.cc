#include "apps/cli/pool_watch.h"

#include <chrono>
#include <utility>

namespace calx::cli {

PoolWatch::PoolWatch(signal::DevicePool& pool, std::vector<device::WatchedMiner> miners,
                     device::WatchOptions options, device::WatchObserver observer)
    : options_(options) {
  for (const device::WatchedMiner& miner : miners) waiting_.insert(miner.name);
  thread_ = std::jthread([this, &pool, miners = std::move(miners),
                          observer = std::move(observer)](const std::stop_token& stop) mutable {
    loop(pool, std::move(miners), observer, stop);
  });
  std::unique_lock lock(mutex_);
  looked_.wait_for(lock, options_.patience.whole, [this] { return waiting_.empty(); });
}

void PoolWatch::loop(signal::DevicePool& pool, std::vector<device::WatchedMiner> miners,
                     const device::WatchObserver& observer, const std::stop_token& stop) {
  const auto report = [&](const device::WatchReport& seen) {
    if (seen.telemetry && seen.telemetry->celsius) {
      static_cast<void>(pool.report_celsius(seen.name, *seen.telemetry->celsius));
    }
    if (observer) observer(seen);
    const std::scoped_lock lock(mutex_);
    waiting_.erase(seen.name);
    looked_.notify_all();
  };
  // Options that watch_miners() refuses leave the pool without telemetry, as before.
  static_cast<void>(device::watch_miners(std::move(miners), options_, report, stop,
                                         std::chrono::steady_clock::time_point::max()));
  const std::scoped_lock lock(mutex_);
  waiting_.clear();
  looked_.notify_all();
}

}  // namespace calx::cli
