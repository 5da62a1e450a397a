// A bridge in a process of its own, for a study that must not share a heap or a core with it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "calx/base/result.h"

namespace calx::cli {

/// `calx device bridge --json --quiet` with further words, started from this very program.
class BridgeProcess {
 public:
  /// Returns when it listens. Errors: kUnavailable (it cannot be started, or ended at once).
  static Result<BridgeProcess> start(std::vector<std::string> words);
  /// Ends the process, if it still runs.
  ~BridgeProcess();
  BridgeProcess(BridgeProcess&& other) noexcept;
  BridgeProcess& operator=(BridgeProcess&&) = delete;

  [[nodiscard]] pid_t id() const noexcept { return id_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// Asks it to stop, and returns the last line that it printed: its summary.
  /// Errors: kUnavailable (it ended by itself, or without a summary).
  Result<std::string> stop();

 private:
  BridgeProcess(pid_t id, int output) noexcept : id_(id), output_(output) {}
  Result<std::string> line();

  pid_t id_ = 0;
  int output_ = -1;
  std::uint16_t port_ = 0;
  std::string text_;
};

}  // namespace calx::cli
