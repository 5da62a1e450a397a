// How a kind of work may use devices: rows of data, so that a new kind is a row and not a branch.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "calx/base/origin.h"
#include "calx/base/result.h"

namespace calx::signal {

/// Whether an answer that somebody searched before, for the very same request, serves.
enum class CacheUse : std::uint8_t {
  kNever,  // neither read nor written: what is judged is searched anew
  kFirst,  // then a search; its answer is kept
  kOnly,   // what is not there is not found
};

struct Policy {
  std::string_view name;
  CacheUse cache;
  bool search;             // a new search may be started
  bool software_fallback;  // after the devices, or without any
  Origin origin_min;       // a share of an earlier origin is refused
  unsigned attempts_max;   // runs started for one job, the fallback not counted
  unsigned lanes;          // devices that search one job at the same time, without overlap
  std::chrono::milliseconds attempt_timeout;  // of one device on one job
};

/// training    throughput first: kept answers serve, and any origin will do
/// validation  never from the cache, and nothing that is only modelled
/// clinical    inference on people: a device or nothing, searched on two at once, never replaced
///             and never from the cache
/// cached      what a cache holds; starts nothing, so a pool refuses its jobs
/// software    this processor alone; its kept answers serve
/// The kinds are those of seed 001, section 5.4; the limits are chosen here.
std::span<const Policy> policies() noexcept;

/// Errors: kInvalidArgument lists the names there are.
Result<Policy> find_policy(std::string_view name);

}  // namespace calx::signal
