#include "calx/work/coinbase.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/base/assert.h"
#include "calx/hash/sha256.h"

namespace calx::work {
namespace {

constexpr std::size_t kScriptLengthOffset = 41;  // version, input count, null outpoint
constexpr std::size_t kScriptOffset = kScriptLengthOffset + 1;

// Push of the height 840000 (BIP 34), then "/calx/".
constexpr std::array<std::uint8_t, 10> kScriptStart = {0x03, 0x40, 0xd1, 0x0c, '/',
                                                       'c',  'a',  'l',  'x',  '/'};

std::array<std::uint8_t, kScriptLengthOffset> one_null_input() noexcept {
  std::array<std::uint8_t, kScriptLengthOffset> bytes{};
  bytes[0] = 1;                                                 // version
  bytes[4] = 1;                                                 // inputs
  std::fill(bytes.end() - 4, bytes.end(), std::uint8_t{0xff});  // output index of the null outpoint
  return bytes;
}

}  // namespace

std::vector<std::uint8_t> coinbase_part_1(std::size_t extranonce1_bytes,
                                          std::size_t extranonce2_bytes) {
  CALX_ASSERT(extranonce1_bytes <= kExtranonceBytesMax && extranonce2_bytes <= kExtranonceBytesMax);
  const auto input = one_null_input();
  std::vector<std::uint8_t> part(input.begin(), input.end());
  part.push_back(
      static_cast<std::uint8_t>(kScriptStart.size() + extranonce1_bytes + extranonce2_bytes));
  part.insert(part.end(), kScriptStart.begin(), kScriptStart.end());
  return part;
}

std::array<std::uint8_t, kCoinbasePart2Bytes> coinbase_part_2(
    const hash::Digest& payload) noexcept {
  std::array<std::uint8_t, kCoinbasePart2Bytes> part{};
  std::fill(part.begin(), part.begin() + 4, std::uint8_t{0xff});  // sequence
  part[4] = 2;                                                    // outputs
  part[13] = 1;                                                   // script length
  part[14] = 0x51;                                                // OP_TRUE
  part[23] = 34;                                                  // script length
  part[24] = 0x6a;                                                // OP_RETURN
  part[25] = 32;                                                  // push of 32 bytes
  std::ranges::copy(payload, part.begin() + kPayloadOffset);
  return part;
}

Result<void> check_coinbase_part_1(std::span<const std::uint8_t> part_1,
                                   std::size_t extranonce1_bytes, std::size_t extranonce2_bytes) {
  if (part_1.size() < kScriptOffset || part_1.size() > kCoinbasePart1BytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coinbase part 1 has {} bytes, wanted {} to {}", part_1.size(),
                            kScriptOffset, kCoinbasePart1BytesMax));
  }
  if (extranonce1_bytes > kExtranonceBytesMax || extranonce2_bytes > kExtranonceBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("extranonces of {} and {} bytes, wanted at most {}", extranonce1_bytes,
                            extranonce2_bytes, kExtranonceBytesMax));
  }
  if (!std::ranges::equal(part_1.first(kScriptLengthOffset), one_null_input())) {
    return fail(ErrorCode::kInvalidArgument,
                "coinbase part 1 does not start a version 1 transaction of one null input");
  }
  const std::size_t script = part_1.size() - kScriptOffset + extranonce1_bytes + extranonce2_bytes;
  if (part_1[kScriptLengthOffset] != script || script > kScriptBytesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coinbase part 1 announces a script of {} bytes, its parts have {} (at "
                            "most {})",
                            part_1[kScriptLengthOffset], script, kScriptBytesMax));
  }
  return {};
}

hash::Digest coinbase_txid(std::span<const std::uint8_t> part_1,
                           std::span<const std::uint8_t> extranonce_1,
                           std::span<const std::uint8_t> extranonce_2,
                           std::span<const std::uint8_t> part_2) noexcept {
  const hash::Digest once = hash::Sha256()
                                .update(part_1)
                                .update(extranonce_1)
                                .update(extranonce_2)
                                .update(part_2)
                                .finish();
  return hash::sha256(once);
}

hash::Digest merkle_root(const hash::Digest& txid,
                         std::span<const hash::Digest> branches) noexcept {
  hash::Digest root = txid;
  for (const hash::Digest& branch : branches) {
    root = hash::sha256(hash::Sha256().update(root).update(branch).finish());
  }
  return root;
}

}  // namespace calx::work
