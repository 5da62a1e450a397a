// `calx thermo scaling`: what a step costs from a thousand units to a million.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/inference/report.h"

namespace calx::inference {

struct ScalingSettings {
  std::vector<std::size_t> units = {1000, 3162, 10'000, 31'623, 100'000, 316'228, 1'000'000};
  std::vector<std::size_t> ranks = {2, 4, 16};
  double seconds = 0.2;  // CPU time of each measurement; the fastest of three counts
};

struct ScalingRun {
  std::string command = {};
  std::stop_token stop = {};
};

/// Euler-Maruyama steps of one chain under Philox noise, one thread, CPU time. The law is a + b k
/// per unit and step, so O(D k) whatever D; caches bend it.
/// Errors: kInvalidArgument (no sizes; rank over units), kResourceExhausted (memory), kCancelled.
Result<Report> study_scaling(const ScalingSettings& settings, const ScalingRun& run,
                             const Observer& observer);

}  // namespace calx::inference
