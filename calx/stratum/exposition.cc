#include "calx/stratum/exposition.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "calx/base/origin.h"

namespace calx::stratum {
namespace {

using metrics::Exposition;
using metrics::Kind;

// By index_of(Reject).
constexpr std::array<std::string_view, kRejectCodes> kVerdicts = {
    "other", "stale", "duplicate", "low_difficulty", "unauthorized", "not_subscribed"};

void expose_workers(Exposition& out, std::span<const WorkerMetrics> workers) {
  out.family("calx_bridge_shares_total", Kind::kCounter, "Shares by worker and verdict.");
  for (const WorkerMetrics& worker : workers) {
    const std::string_view origin = to_string(worker.origin);
    out.sample({{"worker", worker.name}, {"origin", origin}, {"verdict", "accepted"}},
               worker.accepted);
    for (std::size_t i = 0; i < kRejectCodes; ++i) {
      out.sample({{"worker", worker.name}, {"origin", origin}, {"verdict", kVerdicts[i]}},
                 worker.rejected[i]);
    }
  }
  const auto gauge = [&](std::string_view name, std::string_view help, auto value) {
    out.family(name, Kind::kGauge, help);
    for (const WorkerMetrics& worker : workers)
      out.sample({{"worker", worker.name}}, value(worker));
  };
  gauge("calx_bridge_worker_connections", "Open connections of a worker.",
        [](const WorkerMetrics& worker) { return std::uint64_t{worker.connections}; });
  gauge("calx_bridge_worker_difficulty", "Share difficulty of its latest connection.",
        [](const WorkerMetrics& worker) { return worker.difficulty; });
  gauge("calx_bridge_worker_hashes_per_second", "Estimated from accepted shares.",
        [](const WorkerMetrics& worker) { return worker.hash_rate_hps; });
  gauge("calx_bridge_worker_named_liar", "1 when too many of its shares were false.",
        [](const WorkerMetrics& worker) { return std::uint64_t{worker.named_liar ? 1U : 0U}; });
}

}  // namespace

void expose(Exposition& out, const BridgeMetrics& metrics) {
  out.gauge("calx_bridge_connections", "Open connections.", metrics.connections);
  out.gauge("calx_bridge_miners", "Connections that subscribed and were authorized.",
            metrics.miners);
  out.gauge("calx_bridge_workers", "Names that ever worked here.", metrics.workers.size());
  out.counter("calx_bridge_connections_refused_total", "Connections refused by a limit.",
              metrics.connections_refused);
  out.counter("calx_bridge_slow_readers_dropped_total", "Miners that did not read.",
              metrics.slow_readers_dropped);
  out.counter("calx_bridge_jobs_published_total", "Jobs sent to miners.", metrics.jobs_published);
  out.counter("calx_bridge_jobs_found_total", "Jobs that got their share.", metrics.jobs_found);
  out.gauge("calx_bridge_jobs_waiting", "Jobs behind the present one.", metrics.jobs_waiting);
  out.family("calx_bridge_verdict_seconds", Kind::kHistogram,
             "From a line read to its answer queued.");
  out.durations({}, {.counts = metrics.verdict.buckets(), .sum_s = metrics.verdict.sum_s()});
  expose_workers(
      out, std::span(metrics.workers).first(std::min(metrics.workers.size(), kWorkersExposedMax)));
}

}  // namespace calx::stratum
