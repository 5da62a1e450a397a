// The search for a nonce: double hashes of one header, against a full 256-bit target.
#pragma once

#include <cstdint>
#include <optional>

#include "calx/hash/digest.h"

namespace calx::hash {

/// A 256-bit number, most significant byte first (as hashes are displayed).
using TargetBytes = std::array<std::uint8_t, 32>;

/// Whether `digest`, read as a little-endian number (as Bitcoin does), is at most `target`.
bool meets_target(const Digest& digest, const TargetBytes& target) noexcept;

/// The header with this nonce, little-endian, in its bytes 76..79.
Header with_nonce(Header header, std::uint32_t nonce) noexcept;

/// The lowest nonce of first .. last, inclusive, for which SHA-256(SHA-256(header)) meets the
/// target; nothing when there is none (no nonce stands for "none found"). Right for any target.
/// The nonce in `header` is ignored. \pre first <= last
/// Cost: at most two compressions a nonce, less what the midstate and constant words save.
std::optional<std::uint32_t> find_nonce(const Header& header, const TargetBytes& target,
                                        std::uint32_t first, std::uint32_t last) noexcept;

}  // namespace calx::hash
