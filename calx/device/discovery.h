// Miners at addresses that somebody named: asked one after another, at a bounded rate, read-only.
// Nothing here chooses an address by itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/device/address_range.h"
#include "calx/device/telemetry.h"

namespace calx::device {

inline constexpr unsigned kConnectsPerSecondMax = 500, kConnectsAtOnceMax = 64;

struct SearchLimits {
  unsigned connects_per_second = 100;  // at most kConnectsPerSecondMax
  unsigned at_once = 32;               // at most kConnectsAtOnceMax
  Patience patience{std::chrono::milliseconds(1000), std::chrono::milliseconds(4000)};
  std::chrono::milliseconds whole{60'000};  // for all of them together
};

struct FoundMiner {
  LanAddress address = {};
  Telemetry telemetry = {};
};

struct SearchReport {
  std::vector<FoundMiner> miners = {};   // in the order of the targets
  std::vector<std::string> silent = {};  // why each of the others is none, in their order
  std::size_t unasked = 0;  // the time was over, or the caller stopped, before these were asked
};

/// Asks each target for AxeOS (port 80) and then for cgminer (port 4028), or for both at its own
/// port. Ends by `whole` plus one patience, and within one patience of a stop.
/// Errors: kInvalidArgument (limits of 0 or above their bounds).
Result<SearchReport> search_miners(std::span<const SearchTarget> targets,
                                   const SearchLimits& limits, std::stop_token stop);

}  // namespace calx::device
