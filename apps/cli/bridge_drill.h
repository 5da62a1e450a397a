// What a bridge does in a load test: one stamp after the other, each checked; and its counts as
// one line for the program that started it.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "calx/base/result.h"
#include "calx/stratum/bridge.h"
#include "calx/work/job_runner.h"

namespace calx::cli {

struct DrillReport {
  std::uint64_t stamps = 0;        // made of a miner's share and checked again
  std::uint64_t false_stamps = 0;  // that did not hold: there must be none
};

/// Stamps commitments of its own, `work_bits` each, until `deadline` or `stop`.
/// Errors: those of Bridge::run() but for deadline, stop and the lack of miners, which end it.
Result<DrillReport> drill(stratum::Bridge& bridge, std::uint32_t work_bits, work::Deadline deadline,
                          const std::stop_token& stop);

/// {"event":"listening","port":N}
Result<std::string> listening_line(const stratum::Bridge& bridge);
/// {"event":"summary", ...}: counters, workers with their rejects by code, who was named a liar.
Result<std::string> summary_line(const stratum::BridgeMetrics& metrics, const DrillReport& drill);

}  // namespace calx::cli
