#include "apps/cli/pool_watch.h"

#include <chrono>
#include <utility>

namespace calx::cli {

PoolWatch::PoolWatch(signal::DevicePool& pool, std::vector<device::WatchedMiner> miners,
                     device::WatchOptions options, device::WatchObserver observer)
    : options_(options),
      thread_([this, &pool, miners = std::move(miners),
               observer = std::move(observer)](const std::stop_token& stop) mutable {
        const auto report = [&pool, &observer](const device::WatchReport& seen) {
          if (seen.telemetry && seen.telemetry->celsius) {
            static_cast<void>(pool.report_celsius(seen.name, *seen.telemetry->celsius));
          }
          if (observer) observer(seen);
        };
        // Options that watch_miners() refuses leave the pool without telemetry, as before.
        static_cast<void>(device::watch_miners(std::move(miners), options_, report, stop,
                                               std::chrono::steady_clock::time_point::max()));
      }) {}

}  // namespace calx::cli
