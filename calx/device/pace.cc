#include "calx/device/pace.h"

#include <algorithm>

#include "calx/base/assert.h"

namespace calx::device {

using std::chrono::steady_clock;

Pace::Pace(double per_second)
    : gap_(std::chrono::duration_cast<steady_clock::duration>(
          std::chrono::duration<double>(1 / per_second))) {
  CALX_ASSERT(per_second > 0);
}

bool Pace::wait(const std::stop_token& stop, steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  const auto turn = std::max(next_, steady_clock::now());
  if (stop.stop_requested() || turn >= deadline) return false;
  next_ = turn + gap_;
  changed_.wait_until(lock, stop, turn, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace calx::device
