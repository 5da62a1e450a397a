// A brake on connections: no more than so many begin in a second, whoever makes them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace calx::device {

/// Any thread may wait at any time.
class Pace {
 public:
  /// \pre per_second > 0
  explicit Pace(double per_second);

  /// Returns true when it is this caller's turn; false when the stop or the deadline came first.
  bool wait(const std::stop_token& stop, std::chrono::steady_clock::time_point deadline);

 private:
  std::chrono::steady_clock::duration gap_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace calx::device
