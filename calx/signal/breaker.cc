#include "calx/signal/breaker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace calx::signal {

std::string_view to_string(BreakerState state) noexcept {
  constexpr std::array<std::string_view, 4> kNames = {"closed", "open", "half-open", "locked"};
  return kNames[static_cast<std::size_t>(state)];
}

bool Breaker::would_admit(Time now) const {
  switch (state_) {
    case BreakerState::kClosed:
      return true;
    case BreakerState::kOpen:
      return now >= open_until_;
    case BreakerState::kHalfOpen:
      return !trial_running_;
    case BreakerState::kLocked:
      return false;
  }
  return false;
}

bool Breaker::admit(Time now) {
  if (!would_admit(now)) return false;
  if (state_ != BreakerState::kClosed) {
    state_ = BreakerState::kHalfOpen;
    trial_running_ = true;
  }
  return true;
}

void Breaker::record_success(Time /*now*/) {
  if (state_ == BreakerState::kLocked) return;
  if (state_ == BreakerState::kHalfOpen) failed_.clear(), next_ = 0;
  remember(false);
  in_a_row_ = 0;
  trial_running_ = false;
  open_for_ = open_for_.zero();
  state_ = BreakerState::kClosed;
  reason_.clear();
}

void Breaker::record_failure(Time now, std::string reason) {
  if (state_ == BreakerState::kLocked) return;
  remember(true);
  ++in_a_row_;
  const bool often = failed_.size() >= limits_.results_min && error_rate() > limits_.error_rate_max;
  if (state_ == BreakerState::kHalfOpen || often || in_a_row_ >= limits_.failures_in_a_row) {
    open(now, std::move(reason));
  }
}

void Breaker::record_nothing() { trial_running_ = false; }

void Breaker::record_lie(std::string reason) {
  remember(true);
  trial_running_ = false;
  state_ = BreakerState::kLocked;
  reason_ = std::move(reason);
}

void Breaker::record_celsius(Time now, double celsius) {
  // Written so that a reading that is not a number opens too.
  if (state_ == BreakerState::kLocked || celsius <= limits_.celsius_max) return;
  open(now, fmt::format("reports {:.1f} C, at most {:.1f}", celsius, limits_.celsius_max));
}

void Breaker::record_silence(Time now, Time busy_since) {
  if (state_ == BreakerState::kLocked || now - busy_since <= limits_.silence_max) return;
  open(now,
       fmt::format("silent for {} s",
                   std::chrono::duration_cast<std::chrono::seconds>(now - busy_since).count()));
}

void Breaker::reset() { *this = Breaker(limits_); }

double Breaker::error_rate() const {
  if (failed_.empty()) return 0;
  return static_cast<double>(std::ranges::count(failed_, true)) /
         static_cast<double>(failed_.size());
}

void Breaker::open(Time now, std::string reason) {
  const bool open_already = state_ == BreakerState::kOpen && now < open_until_;
  trial_running_ = false;
  reason_ = std::move(reason);
  if (open_already) return;  // late failures of the same trouble do not lengthen it
  open_for_ = open_for_ == open_for_.zero() ? limits_.open_first
                                            : std::min(2 * open_for_, limits_.open_max);
  open_until_ = now + open_for_;
  state_ = BreakerState::kOpen;
}

void Breaker::remember(bool failed) {
  if (failed_.size() < limits_.window) {
    failed_.push_back(failed);
    return;
  }
  failed_[next_] = failed;
  next_ = (next_ + 1) % failed_.size();
}

}  // namespace calx::signal
