// A TCP client socket that never blocks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calx/base/result.h"

namespace calx::emulate {

/// An address as the system keeps it, so that this header names none of its types.
using SocketAddress = std::vector<std::uint8_t>;

/// The first address of a name. May wait for the system's resolver.
/// Errors: kNotFound.
Result<SocketAddress> resolve(const std::string& host, std::uint16_t port);

class ClientSocket {
 public:
  ClientSocket() = default;
  ~ClientSocket() { close(); }
  ClientSocket(ClientSocket&& other) noexcept;
  ClientSocket& operator=(ClientSocket&& other) noexcept;

  /// Starts to connect. Errors: kUnavailable.
  Result<void> connect(const SocketAddress& address);
  /// The outcome, once the socket is writable. Errors: kUnavailable.
  Result<void> finish_connect();

  /// Appends what has arrived; false when the other side has closed or the connection is broken.
  bool read(std::string& into);
  /// Writes what the system takes and removes it; false when the connection is broken.
  bool write(std::string& from);
  void close() noexcept;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }

 private:
  int descriptor_ = -1;
};

}  // namespace calx::emulate
