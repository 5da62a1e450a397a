// When a device of a given rate returns: exponential gaps, drawn from a seed.
#pragma once

#include <chrono>

#include "calx/emulate/draws.h"

namespace calx::emulate {

using Time = std::chrono::steady_clock::time_point;
using Seconds = std::chrono::duration<double>;

/// Trials that are independent and rare come in exponential gaps, whatever the device is made of.
class HashClock {
 public:
  /// \pre hashes_per_second > 0
  HashClock(const Draws& draws, double hashes_per_second) noexcept
      : draws_(draws), hashes_per_second_(hashes_per_second) {}

  /// The next wait for a return that takes `expected_hashes` on average:
  /// -ln(u) * expected_hashes / rate, u uniform on (0, 1). Modelled, never measured.
  Seconds gap(double expected_hashes);

 private:
  Draws draws_;
  double hashes_per_second_;
};

}  // namespace calx::emulate
