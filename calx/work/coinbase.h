// The coinbase transaction that carries 32 bytes in its only OP_RETURN.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/digest.h"

namespace calx::work {

inline constexpr std::size_t kCoinbasePart1BytesMax = 42 + 100;  // up to a script of 100 bytes
inline constexpr std::size_t kCoinbasePart2Bytes = 62;
inline constexpr std::size_t kPayloadOffset = 26;  // of the 32 bytes inside part 2
inline constexpr std::size_t kExtranonceBytesMax = 16;
inline constexpr std::size_t kScriptBytesMax = 100;  // a consensus rule of Bitcoin

/// Part 1 of the template for these sizes: version 1, one null input, and the start of its script
/// (height 840000, "/calx/"), the script's length counting both extranonces.
/// \pre both sizes <= kExtranonceBytesMax
std::vector<std::uint8_t> coinbase_part_1(std::size_t extranonce1_bytes,
                                          std::size_t extranonce2_bytes);

/// Part 2: sequence, two outputs of value 0 (OP_TRUE; OP_RETURN of the payload), lock time 0. All
/// 62 bytes are constant but the payload at 26..57.
std::array<std::uint8_t, kCoinbasePart2Bytes> coinbase_part_2(const hash::Digest& payload) noexcept;

/// Errors: kInvalidArgument, naming it, unless part 1 starts a coinbase of one null input whose
/// script ends exactly with the two extranonces.
Result<void> check_coinbase_part_1(std::span<const std::uint8_t> part_1,
                                   std::size_t extranonce1_bytes, std::size_t extranonce2_bytes);

/// SHA256d(part 1 || extranonce 1 || extranonce 2 || part 2), as in the merkle tree.
hash::Digest coinbase_txid(std::span<const std::uint8_t> part_1,
                           std::span<const std::uint8_t> extranonce_1,
                           std::span<const std::uint8_t> extranonce_2,
                           std::span<const std::uint8_t> part_2) noexcept;

/// Folds the branches: acc = SHA256d(acc || branch), from the transaction id to the merkle root.
hash::Digest merkle_root(const hash::Digest& txid, std::span<const hash::Digest> branches) noexcept;

}  // namespace calx::work
