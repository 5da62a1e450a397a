// Ed25519 signatures (libsodium): who vouches for a receipt.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "calx/base/result.h"
#include "calx/hash/digest.h"
#include "calx/work/request_tree.h"

namespace calx::receipt {

using PublicKey = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

/// A key pair. Its secret bytes are wiped when it goes.
class SigningKey {
 public:
  /// The pair that follows from 32 secret bytes (RFC 8032). Errors: kUnavailable (libsodium).
  static Result<SigningKey> from_secret(const std::array<std::uint8_t, 32>& secret);
  ~SigningKey();
  SigningKey(const SigningKey&) = delete;
  SigningKey& operator=(const SigningKey&) = delete;
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;

  [[nodiscard]] const PublicKey& public_key() const noexcept { return public_key_; }
  [[nodiscard]] Signature sign(std::string_view message) const noexcept;

 private:
  SigningKey() = default;
  std::array<std::uint8_t, 64> secret_{};
  PublicKey public_key_{};
};

/// Strict: low-order keys and non-canonical encodings are refused.
bool verify_signature(std::string_view message, const Signature& signature,
                      const PublicKey& key) noexcept;

/// 64 hex digits. Errors: kInvalidArgument.
Result<PublicKey> parse_public_key(std::string_view digits);

/// Random bytes of the operating system: salts of tree leaves and of private seeds.
work::Salt random_salt();
hash::Digest random_digest();

}  // namespace calx::receipt
