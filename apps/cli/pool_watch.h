// Devices of a pool watched by the web interfaces of their miners: what they report as their heat
// reaches the pool's breakers, and a device that is too hot gets no more work.
#pragma once

#include <thread>
#include <vector>

#include "calx/device/miner_watch.h"
#include "calx/signal/device_pool.h"

namespace calx::cli {

/// Looks from its own thread as long as it lives; the pool must outlive it. A miner's name is that
/// of its device in the pool; one that the pool does not have is watched all the same, for
/// `observer` (which may be empty, and is called from other threads, one call at a time).
class PoolWatch {
 public:
  PoolWatch(signal::DevicePool& pool, std::vector<device::WatchedMiner> miners,
            device::WatchOptions options, device::WatchObserver observer = {});

 private:
  device::WatchOptions options_;
  std::jthread thread_;
};

}  // namespace calx::cli
