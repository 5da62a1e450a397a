// What a bridge counts, for Prometheus.
#pragma once

#include <cstddef>

#include "calx/metrics/exposition.h"
#include "calx/stratum/metrics.h"

namespace calx::stratum {

/// Workers with series of their own; the further ones are counted in calx_bridge_workers alone.
inline constexpr std::size_t kWorkersExposedMax = 1000;

/// Appends the families calx_bridge_*: shares by worker and verdict, connections, jobs, the queue,
/// and the time from a line read to its answer queued.
void expose(metrics::Exposition& out, const BridgeMetrics& metrics);

}  // namespace calx::stratum
