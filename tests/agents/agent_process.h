// A calx-asic-agent as a child process of a test.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace calx::device {

enum class AgentKind : std::uint8_t { kNative, kMips };

/// The words that start it; empty when this machine has no such program or no emulator for it.
std::vector<std::string> agent_command(AgentKind kind);

class AgentProcess {
 public:
  struct Options {
    std::string device = {};
    std::string token = "a token of enough letters";
    int heartbeat_ms = 5000;
    bool busy = false;   // every open() with O_EXCL gives EBUSY, by a filter in the kernel
    bool trace = false;  // qemu-user writes the system calls into errors()
  };
  AgentProcess(AgentKind kind, const Options& options);
  ~AgentProcess();
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;

  /// 0 when it ended before it listened.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const std::string& token() const noexcept { return options_.token; }
  void signal(int number) const;
  /// Waits; the exit status, or minus the signal's number.
  int wait();
  /// What it wrote to its standard error so far.
  [[nodiscard]] std::string errors() const;
  [[nodiscard]] std::uint64_t resident_kib() const;

 private:
  Options options_;
  std::string folder_;
  ::pid_t child_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace calx::device
