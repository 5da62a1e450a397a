// Other programs as rivals: one run from start to end, or one that answers line for line.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"

namespace calx::bench {

inline constexpr std::size_t kChildOutputBytesMax = 1 << 20;

/// One finished process.
struct ProcessRun {
  double seconds = 0;             // from spawn to exit
  double cpu_seconds = 0;         // of all its threads, system calls included
  std::uint64_t rss_kib_max = 0;  // peak resident set
  int exit_status = 0;            // -signal where a signal ended it
  bool timed_out = false;         // we ended it at the deadline
  std::string output;             // stdout and stderr together
};

/// Runs argv[0] to its end, or kills it at the deadline (not an error: see timed_out).
/// Errors: kNotFound when it cannot be started; kResourceExhausted above kChildOutputBytesMax.
Result<ProcessRun> run_process(const std::vector<std::string>& argv,
                               std::chrono::milliseconds deadline);

/// A process that answers each line with one line. Ended by the destructor.
class LineChild {
 public:
  /// Errors: kNotFound when argv[0] cannot be started.
  static Result<std::unique_ptr<LineChild>> start(const std::vector<std::string>& argv);
  ~LineChild();
  LineChild(const LineChild&) = delete;
  LineChild& operator=(const LineChild&) = delete;

  /// Errors: kUnavailable when the child is gone; kDeadlineExceeded.
  Result<std::string> ask(std::string_view line, std::chrono::milliseconds deadline);

 private:
  LineChild(pid_t pid, int to, int from, std::string name);
  pid_t pid_;
  int to_, from_;
  std::string name_, pending_;
};

}  // namespace calx::bench
