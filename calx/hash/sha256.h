// SHA-256 of one message (FIPS 180-4), by the kernel in force.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "calx/hash/digest.h"

namespace calx::hash {

/// SHA-256(message), any length below 2^61 bytes.
Digest sha256(std::span<const std::uint8_t> message) noexcept;
Digest sha256(std::string_view text) noexcept;

/// SHA-256(SHA-256(message)), Bitcoin's double hash.
Digest sha256d(std::span<const std::uint8_t> message) noexcept;

/// The digest of a message that arrives in pieces.
class Sha256 {
 public:
  Sha256& update(std::span<const std::uint8_t> bytes) noexcept;
  Sha256& update(std::string_view text) noexcept;
  /// One byte; a big-endian 32-bit or 64-bit integer.
  Sha256& update_u8(std::uint8_t value) noexcept;
  Sha256& update_u32(std::uint32_t value) noexcept;
  Sha256& update_u64(std::uint64_t value) noexcept;
  /// The digest of everything so far; the object may go on being updated.
  [[nodiscard]] Digest finish() const noexcept;

 private:
  State state_ = kInitialState;
  std::array<std::uint8_t, 64> pending_{};
  std::uint64_t bytes_ = 0;
};

}  // namespace calx::hash
