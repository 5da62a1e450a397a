// TLS over a socket that never blocks. Somebody else holds the socket and waits for it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "calx/base/result.h"
#include "calx/tls/context.h"

namespace calx::tls {

/// How far a call came.
enum class Step {
  kDone,        // what was asked for, or a part of it
  kWantsRead,   // call again when the socket can be read
  kWantsWrite,  // call again when the socket can be written
  kClosed,      // the other side ended the stream in order
  kFailed,      // failure() says why; the connection is of no use any more
};

/// Not thread-safe. Memory: about 10 KiB while idle, up to 40 KiB while bytes are on their way.
class Stream {
 public:
  /// `descriptor` must be non-blocking and outlive the stream, which does not close it.
  /// Errors: kResourceExhausted, kUnimplemented.
  static Result<std::unique_ptr<Stream>> accept(std::shared_ptr<const Context> context,
                                                int descriptor);
  /// `server_name`: a name or a literal address, which the certificate must be for.
  static Result<std::unique_ptr<Stream>> connect(std::shared_ptr<const Context> context,
                                                 int descriptor, const std::string& server_name);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Call it until it is done, and before anything else.
  Step handshake();
  /// One record at most. `got`: bytes put into `into` when done.
  Step read(std::span<char> into, std::size_t& got);
  /// `sent`: bytes taken from the front of `from` when done. \pre `from` is not empty
  Step write(std::string_view from, std::size_t& sent);
  /// Decrypted bytes that a read gets without waiting for the socket.
  [[nodiscard]] bool pending() const noexcept;
  /// Tells the other side that nothing follows, if that goes at once.
  void finish() noexcept;

  /// One clause, after kFailed: "wrong version number", "self-signed certificate".
  [[nodiscard]] const std::string& failure() const noexcept { return failure_; }

 private:
  Stream(std::shared_ptr<const Context> context, void* native) noexcept;
  Step step_of(int result);

  std::shared_ptr<const Context> context_;
  void* native_;  // SSL*
  std::string failure_;
};

}  // namespace calx::tls
