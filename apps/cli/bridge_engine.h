// A bridge inside this process: miners connect to the verb that wants their work.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "calx/base/result.h"
#include "calx/stratum/bridge.h"
#include "calx/work/job_runner.h"

namespace calx::cli {

/// "HOST:PORT[,worker=NAME:TOKEN[:ORIGIN]]...". Errors: kInvalidArgument.
Result<stratum::BridgeOptions> parse_bridge(std::string_view text);

/// Listens there for as long as the runner lives, and says so on stderr.
/// Errors: those of parse_bridge and stratum::Bridge::start.
Result<std::unique_ptr<work::JobRunner>> open_bridge_engine(std::string_view text);

/// What a miner's owner must type, and how far the address reaches; several lines.
std::string how_to_connect(const stratum::Bridge& bridge, bool anybody);

}  // namespace calx::cli
