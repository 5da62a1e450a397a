// An AxeOS emulator behind a socket, for clients that speak HTTP to it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "calx/base/result.h"
#include "calx/emulate/axeos_emulator.h"

namespace calx::emulate {

/// What the real thing does to its clients now and then.
enum class AxeosFault : std::uint8_t {
  kNone,
  kSilent,     // takes the request and never answers
  kCutAnswer,  // closes in the middle of its answer
  kNotJson,    // answers 200 with a web page, as a firmware under update does
  kStalled,    // sends half of its answer and then neither more nor an end
  kRenamed,    // info with field names of other generations and forks
};

/// Listens on 127.0.0.1 alone, one thread, one request a connection. The real firmware lets only
/// private networks in, by the peer's address; this one lets in only this machine.
class AxeosServer {
 public:
  /// Port 0: the system chooses. Errors: kUnavailable (the port is taken).
  static Result<std::unique_ptr<AxeosServer>> start(AxeosEmulator emulator, std::uint16_t port);
  ~AxeosServer();
  AxeosServer(const AxeosServer&) = delete;
  AxeosServer& operator=(const AxeosServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Runs `use` on the emulator while no request is being answered.
  void with_emulator(const std::function<void(AxeosEmulator&)>& use);
  /// For every request from now on.
  void set_fault(AxeosFault fault);

 private:
  AxeosServer(AxeosEmulator emulator, int listener, std::uint16_t port);
  void serve(const std::stop_token& stop);
  void serve_one(int connection, const std::stop_token& stop);

  std::mutex mutex_;
  AxeosEmulator emulator_;
  AxeosFault fault_ = AxeosFault::kNone;
  int listener_;
  std::uint16_t port_;
  std::jthread thread_;
};

}  // namespace calx::emulate
