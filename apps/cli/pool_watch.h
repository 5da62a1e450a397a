// Devices of a pool watched by the web interfaces of their miners: what they report as their heat
// reaches the pool's breakers, and a device that is too hot gets no more work.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "calx/device/miner_watch.h"
#include "calx/signal/device_pool.h"

namespace calx::cli {

/// Looks from its own thread as long as it lives; the pool must outlive it. A miner's name is that
/// of its device in the pool; one that the pool does not have is watched all the same, for
/// `observer` (which may be empty, and is called from other threads, one call at a time).
///
/// The constructor returns once each miner was looked at for the first time, or after the options'
/// patience: a miner that is too hot already gets no first job.
class PoolWatch {
 public:
  PoolWatch(signal::DevicePool& pool, std::vector<device::WatchedMiner> miners,
            device::WatchOptions options, device::WatchObserver observer = {});

 private:
  void loop(signal::DevicePool& pool, std::vector<device::WatchedMiner> miners,
            const device::WatchObserver& observer, const std::stop_token& stop);

  device::WatchOptions options_;
  std::mutex mutex_;
  std::condition_variable looked_;
  std::set<std::string, std::less<>> waiting_;  // names not looked at yet
  std::jthread thread_;
};

}  // namespace calx::cli
