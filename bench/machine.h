// What a figure was measured on: printed with every table, because no ratio travels without it.
#pragma once

#include <string>

namespace calx::bench {

struct Machine {
  std::string cpu;       // model name, as the system gives it
  unsigned cores = 0;    // that this process may use
  std::string features;  // of those that SHA-256 kernels use
  bool sha_ni = false;   // the bars of hash/ hold on such CPUs only
  std::string system;    // kernel and architecture
  std::string compiler;  // of this program
  std::string load;      // 1-minute load average at the start
  std::string date;      // UTC
};

/// Reads /proc and uname; what is not there is "unknown".
Machine this_machine();

/// With kernel.sched_autogroup_enabled=1, nice counts only inside its own autogroup. While it
/// lives, root's autogroup (this process, its children and the shell it was started from) goes
/// first; the destructor and SIGINT and SIGTERM put back what was. One at a time.
class RaisedAutogroup {
 public:
  RaisedAutogroup();
  ~RaisedAutogroup();
  RaisedAutogroup(const RaisedAutogroup&) = delete;
  RaisedAutogroup& operator=(const RaisedAutogroup&) = delete;

  /// False when the process is not root or the system has no autogroups.
  [[nodiscard]] bool raised() const noexcept { return raised_; }

 private:
  bool raised_ = false;
};

}  // namespace calx::bench
