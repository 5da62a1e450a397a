// How a kind of work may use devices: rows of data, so that a new kind is a row and not a branch.
#pragma once

#include <chrono>
#include <span>
#include <string_view>

#include "calx/base/origin.h"
#include "calx/base/result.h"

namespace calx::signal {

struct Policy {
  std::string_view name;
  bool search;             // a new search may be started
  bool software_fallback;  // after the devices, or without any
  Origin origin_min;       // a share of an earlier origin is refused
  unsigned attempts_max;   // runs started for one job, the fallback not counted
  unsigned lanes;          // devices that search one job at the same time, without overlap
  std::chrono::milliseconds attempt_timeout;  // of one device on one job
};

/// training    throughput first: any origin will do
/// validation  as training, but nothing that is only modelled
/// clinical    inference on people: a device or nothing, searched on two at once, never replaced
/// cached      starts nothing: a pool refuses its jobs, for it keeps no answers itself
/// software    this processor alone
/// The kinds are those of seed 001, section 5.4; the limits are chosen here.
std::span<const Policy> policies() noexcept;

/// Errors: kInvalidArgument lists the names there are.
Result<Policy> find_policy(std::string_view name);

}  // namespace calx::signal
