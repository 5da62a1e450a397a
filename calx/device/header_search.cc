#include "calx/device/header_search.h"

#include "calx/device/nonce_judge.h"
#include "calx/hash/big_endian.h"
#include "calx/hash/kernel.h"
#include "calx/hash/sha256.h"

namespace calx::device {
namespace {

hash::Digest double_hash(const hash::State& midstate, const std::array<std::uint32_t, 3>& tail,
                         std::uint32_t nonce) noexcept {
  std::array<std::uint8_t, 64> block{};
  for (std::size_t word = 0; word < tail.size(); ++word) {
    hash::store_be32(block.data() + 4 * word, tail[word]);
  }
  hash::store_be32(block.data() + 12, hash::swap_bytes(nonce));
  block[16] = 0x80;
  hash::store_be64(block.data() + 56, sizeof(hash::Header) * 8);
  hash::State state = midstate;
  hash::active_kernel(hash::Operation::kCompress).compress(state, block.data(), 1);
  hash::Digest first{};
  for (std::size_t word = 0; word < state.size(); ++word) {
    hash::store_be32(first.data() + 4 * word, state[word]);
  }
  return hash::sha256(first);
}

}  // namespace

void search_header(const hash::State& midstate, const std::array<std::uint32_t, 3>& tail,
                   std::uint32_t first, std::uint64_t count, unsigned zero_bits,
                   const std::function<void(std::uint32_t nonce, unsigned bits)>& found) {
  const std::uint32_t top_max = zero_bits >= 32 ? 0 : 0xffffffffu >> zero_bits;
  const hash::OpenHeader open{midstate, tail, top_max};
  const auto scan = hash::active_kernel(hash::Operation::kScan).scan;
  while (count > 0) {
    const auto nonce = scan(open, first, count);
    if (!nonce) return;
    const unsigned bits = leading_zero_bits(double_hash(midstate, tail, *nonce));
    if (bits >= zero_bits) found(*nonce, bits);
    count -= std::uint64_t{*nonce} - first + 1;
    first = *nonce + 1;
  }
}

}  // namespace calx::device
