#include "calx/receipt/signature.h"

#include <sodium.h>

#include "calx/base/assert.h"
#include "calx/base/hex.h"

namespace calx::receipt {
namespace {

static_assert(std::tuple_size_v<PublicKey> == crypto_sign_PUBLICKEYBYTES);
static_assert(std::tuple_size_v<Signature> == crypto_sign_BYTES);

const std::uint8_t* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

bool sodium_ready() noexcept {
  static const bool ready = sodium_init() >= 0;
  return ready;
}

template <class Bytes>
Bytes random_bytes() {
  CALX_ASSERT(sodium_ready());  // it fails only where the system has no random source
  Bytes bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

}  // namespace

Result<SigningKey> SigningKey::from_secret(const std::array<std::uint8_t, 32>& secret) {
  if (!sodium_ready()) return fail(ErrorCode::kUnavailable, "libsodium does not start");
  SigningKey key;
  static_assert(crypto_sign_SEEDBYTES == 32 && crypto_sign_SECRETKEYBYTES == 64);
  crypto_sign_seed_keypair(key.public_key_.data(), key.secret_.data(), secret.data());
  return key;
}

SigningKey::~SigningKey() { sodium_memzero(secret_.data(), secret_.size()); }

SigningKey::SigningKey(SigningKey&& other) noexcept
    : secret_(other.secret_), public_key_(other.public_key_) {
  sodium_memzero(other.secret_.data(), other.secret_.size());
}

SigningKey& SigningKey::operator=(SigningKey&& other) noexcept {
  if (this == &other) return *this;
  secret_ = other.secret_;
  public_key_ = other.public_key_;
  sodium_memzero(other.secret_.data(), other.secret_.size());
  return *this;
}

Signature SigningKey::sign(std::string_view message) const noexcept {
  Signature signature{};
  crypto_sign_detached(signature.data(), nullptr, bytes_of(message), message.size(),
                       secret_.data());
  return signature;
}

bool verify_signature(std::string_view message, const Signature& signature,
                      const PublicKey& key) noexcept {
  return sodium_ready() && crypto_sign_verify_detached(signature.data(), bytes_of(message),
                                                       message.size(), key.data()) == 0;
}

Result<PublicKey> parse_public_key(std::string_view digits) {
  PublicKey key{};
  const auto read = from_hex(digits, key);
  if (!read) {
    return fail(ErrorCode::kInvalidArgument, "public key: " + read.error().message);
  }
  return key;
}

work::Salt random_salt() { return random_bytes<work::Salt>(); }
hash::Digest random_digest() { return random_bytes<hash::Digest>(); }

}  // namespace calx::receipt
