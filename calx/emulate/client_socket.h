// A TCP client socket that never blocks, with TLS or without.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/tls/stream.h"

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

  /// Starts to connect. With a context TLS is agreed on too, with the server of that name.
  /// Errors: kUnavailable.
  Result<void> connect(const SocketAddress& address,
                       std::shared_ptr<const tls::Context> context = {}, std::string name = {});
  /// Goes on, once the socket is writable, or readable if wants_to_read(). True when bytes may
  /// flow; false: call it again. Errors: kUnavailable, also for a certificate that is not trusted.
  Result<bool> finish_connect();
  [[nodiscard]] bool wants_to_read() const noexcept { return wants_to_read_; }

  /// Appends what has arrived; false when the other side has closed or the connection is broken.
  bool read(std::string& into);
  /// Writes what the system takes and removes it; false when the connection is broken.
  bool write(std::string& from);
  void close() noexcept;

  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }

 private:
  bool read_secure(std::string& into);
  bool write_secure(std::string& from);

  int descriptor_ = -1;
  std::shared_ptr<const tls::Context> context_;
  std::string name_;
  std::unique_ptr<tls::Stream> tls_;
  bool wants_to_read_ = false;
};

}  // namespace calx::emulate
