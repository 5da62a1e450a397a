// The 80 bytes that miners hash, field by field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "calx/base/result.h"
#include "calx/hash/digest.h"

namespace calx::work {

struct BlockHeader {
  std::uint32_t version = 0;
  hash::Digest previous_hash{};  // as in the header: the last byte of a displayed hash comes first
  hash::Digest merkle_root{};    // as in the header
  std::uint32_t ntime = 0;       // Unix time
  std::uint32_t nbits = 0;       // the chain's own target; never the target of a stamp
  std::uint32_t nonce = 0;
};

/// version || previous hash || merkle root || ntime || nbits || nonce, integers little-endian.
hash::Header encode(const BlockHeader& header) noexcept;

/// SHA256d of the 80 bytes.
hash::Digest block_hash(const hash::Header& header) noexcept;

/// Stratum V1 writes the previous hash with the bytes of each 4-byte word reversed; this undoes it.
/// Errors: kInvalidArgument unless 64 hex digits.
Result<hash::Digest> parse_stratum_previous_hash(std::string_view digits);
std::string stratum_previous_hash(const hash::Digest& previous_hash);

/// The bytes in reverse order as hex: how block explorers show a hash.
std::string display_hash(const hash::Digest& hash);

}  // namespace calx::work
