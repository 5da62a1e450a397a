// A TCP connection with a deadline that also holds for whoever uses it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "calx/deploy/shell.h"

namespace calx::deploy {

/// Owns a descriptor.
class Socket {
 public:
  explicit Socket(int descriptor = -1) noexcept : descriptor_(descriptor) {}
  ~Socket();
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;

  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

/// The first address of the host that answers; the descriptor does not block. The look-up of a name
/// has the time limit of the system's resolver.
/// Errors: kUnavailable (no such host, nobody listens), kDeadlineExceeded.
Result<Socket> connect_to(const std::string& host, std::uint16_t port, Deadline deadline);

/// Shuts a connection when a deadline passes, so that a library which waits on it without a limit
/// of its own comes back with an error.
class Watchdog {
 public:
  /// `descriptor` must stay open as long as the watchdog lives.
  explicit Watchdog(int descriptor);

  /// From now on this deadline holds; none: nothing is shut.
  void watch(std::optional<Deadline> deadline);
  [[nodiscard]] bool bitten() const;

 private:
  void guard(const std::stop_token& stop);

  int descriptor_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Deadline> deadline_ = {};
  bool bitten_ = false;
  std::jthread thread_;
};

}  // namespace calx::deploy
