// SHA-256 of many independent messages at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "calx/hash/digest.h"

namespace calx::hash {

using Message = std::span<const std::uint8_t>;

/// digests[i] = SHA-256(messages[i]), any mixture of lengths. Fastest when many messages take the
/// same number of blocks; the order does not matter.
/// \pre  digests.size() == messages.size()
void sha256_many(std::span<const Message> messages, std::span<Digest> digests) noexcept;

/// The same for messages of one length that lie one after another; 64 bytes is the fastest.
/// \pre  messages.size() == message_bytes * digests.size()
void sha256_equal(std::span<const std::uint8_t> messages, std::size_t message_bytes,
                  std::span<Digest> digests) noexcept;

}  // namespace calx::hash
