// What a TLS connection stands on: a certificate with its key, or the roots that one trusts.
#pragma once

#include <filesystem>
#include <memory>

#include "calx/base/result.h"

namespace calx::tls {

/// False in a build without OpenSSL (-DCALX_TLS=OFF, cross builds): every function that makes a
/// context or a stream then returns kUnimplemented.
bool available() noexcept;

/// Shared by the streams made from it, which keep it alive. TLS 1.2 and 1.3, no renegotiation, no
/// compression, no session kept; the buffers of an idle stream are given back.
class Context {
 public:
  /// For a server: a PEM file with its certificate and the chain behind it, and one with its key.
  /// Errors: kNotFound (no such file), kInvalidArgument (no certificate or key in it; the key is
  /// another one's), kUnimplemented.
  static Result<std::shared_ptr<const Context>> server(const std::filesystem::path& certificate,
                                                       const std::filesystem::path& key);
  /// For a client, which refuses every server whose certificate does not lead to `roots`, a PEM
  /// file; an empty path stands for the roots of the system. Errors: as above.
  static Result<std::shared_ptr<const Context>> client(const std::filesystem::path& roots);

  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// SSL_CTX*, for this layer.
  [[nodiscard]] void* native() const noexcept { return native_; }

 private:
  explicit Context(void* native) noexcept : native_(native) {}
  void* native_;
};

}  // namespace calx::tls
