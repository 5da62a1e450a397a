// The fuse of one device: opens when it fails too often, falls silent or lies.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace calx::signal {

using Time = std::chrono::steady_clock::time_point;

struct BreakerLimits {
  unsigned window = 20;         // results remembered
  unsigned results_min = 4;     // before the error rate counts
  double error_rate_max = 0.5;  // of the window; above it the breaker opens
  unsigned failures_in_a_row = 3;
  std::chrono::milliseconds open_first = std::chrono::seconds(5);
  std::chrono::milliseconds open_max =
      std::chrono::minutes(10);  // each reopening waits twice as long
  std::chrono::milliseconds silence_max = std::chrono::minutes(2);  // busy without an answer
  double celsius_max = 85;                                          // as the device reports it
};

enum class BreakerState : std::uint8_t {
  kClosed,    // in use
  kOpen,      // not asked until a time
  kHalfOpen,  // one trial run decides
  kLocked,    // lied: not asked again before reset()
};
std::string_view to_string(BreakerState state) noexcept;

/// Times come from the caller, so that tests need no clock. One thread at a time.
class Breaker {
 public:
  explicit Breaker(BreakerLimits limits = {}) : limits_(limits) {}

  /// Whether a run may start now. An open breaker whose time is over becomes half-open and lets one
  /// through; further ones wait for its result.
  bool admit(Time now);
  /// The same question without taking the trial.
  [[nodiscard]] bool would_admit(Time now) const;

  void record_success(Time now);
  void record_failure(Time now, std::string reason);
  /// A run that ended for reasons of its own (another lane was faster, the caller stopped): neither
  /// for nor against the device.
  void record_nothing();
  /// An answer that failed the host's check. Locks.
  void record_lie(std::string reason);
  /// What the device says of its temperature; above the limit the breaker opens.
  void record_celsius(Time now, double celsius);
  /// Opens when a run began at `busy_since` and nothing came since for silence_max.
  void record_silence(Time now, Time busy_since);
  void reset();

  [[nodiscard]] BreakerState state() const noexcept { return state_; }
  [[nodiscard]] double error_rate() const;
  /// Why it is not closed; empty when it is.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  void open(Time now, std::string reason);
  void remember(bool failed);

  BreakerLimits limits_;
  BreakerState state_ = BreakerState::kClosed;
  std::vector<bool> failed_ = {};  // the last `window` results, a ring
  std::size_t next_ = 0;
  unsigned in_a_row_ = 0;
  bool trial_running_ = false;
  std::chrono::milliseconds open_for_{0};
  Time open_until_{};
  std::string reason_ = {};
};

}  // namespace calx::signal
