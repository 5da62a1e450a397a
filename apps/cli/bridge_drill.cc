#include "apps/cli/bridge_drill.h"

#include "calx/format/canonical_json.h"
#include "calx/hash/sha256.h"
#include "calx/work/request_tree.h"
#include "calx/work/stamp.h"

namespace calx::cli {
namespace {

format::Json count(std::uint64_t value) { return format::Json(static_cast<std::int64_t>(value)); }

}  // namespace

Result<DrillReport> drill(stratum::Bridge& bridge, std::uint32_t work_bits, work::Deadline deadline,
                          const std::stop_token& stop) {
  CALX_ASSIGN(target, work::Target::from_work_bits(work_bits));
  stratum::BridgeRunner runner(bridge);
  DrillReport report;
  while (!stop.stop_requested() && work::Deadline::clock::now() < deadline) {
    work::TreeLeaf leaf;
    leaf.commitment = hash::sha256("calx bridge drill " + std::to_string(report.stamps));
    CALX_ASSIGN(tree, work::RequestTree::build({&leaf, 1}));
    const auto stamp = work::make_stamp(tree, target, runner, deadline, stop);
    if (stamp) {
      ++(work::check(*stamp) ? report.stamps : report.false_stamps);
      continue;
    }
    const ErrorCode code = stamp.error().code;
    if (code == ErrorCode::kDataLoss) {
      ++report.false_stamps;
    } else if (code == ErrorCode::kDeadlineExceeded || code == ErrorCode::kCancelled ||
               code == ErrorCode::kUnavailable) {
      break;
    } else {
      return std::unexpected(stamp.error());
    }
  }
  return report;
}

Result<std::string> listening_line(const stratum::Bridge& bridge) {
  return format::encode_canonical_json(
      format::Json{{"event", "listening"}, {"port", std::int64_t{bridge.port()}}});
}

Result<std::string> summary_line(const stratum::BridgeMetrics& metrics, const DrillReport& drill) {
  auto named = format::Json::array();
  std::uint64_t accepted = 0;
  std::array<std::uint64_t, stratum::kRejectCodes> rejected{};
  for (const auto& worker : metrics.workers) {
    accepted += worker.accepted;
    for (std::size_t i = 0; i < rejected.size(); ++i) rejected[i] += worker.rejected[i];
    if (worker.named_liar) named.push(worker.name);
  }
  auto codes = format::Json::object({});
  for (std::size_t i = 0; i < rejected.size(); ++i) {
    codes.set(std::to_string(20 + i), count(rejected[i]));
  }
  return format::encode_canonical_json(
      format::Json{{"event", "summary"},
                   {"accepted", count(accepted)},
                   {"rejected", codes},
                   {"named", named},
                   {"connections", static_cast<std::int64_t>(metrics.connections)},
                   {"connections_refused", count(metrics.connections_refused)},
                   {"slow_readers_dropped", count(metrics.slow_readers_dropped)},
                   {"jobs_published", count(metrics.jobs_published)},
                   {"jobs_found", count(metrics.jobs_found)},
                   {"stamps", count(drill.stamps)},
                   {"false_stamps", count(drill.false_stamps)},
                   {"verdict_us_p50", metrics.verdict.quantile(0.5).count()},
                   {"verdict_us_p99", metrics.verdict.quantile(0.99).count()}});
}

}  // namespace calx::cli
