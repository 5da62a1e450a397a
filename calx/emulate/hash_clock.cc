#include "calx/emulate/hash_clock.h"

#include <cmath>

namespace calx::emulate {

Seconds HashClock::gap(double expected_hashes) {
  return Seconds(-std::log(draws_.uniform()) * expected_hashes / hashes_per_second_);
}

}  // namespace calx::emulate
