// The reference: FIPS 180-4 as it is written, in plain integers, for any machine. Start here.
#include <bit>

#include "calx/hash/big_endian.h"
#include "calx/hash/kernel_list.h"
#include "calx/hash/round_constants.h"

namespace calx::hash {
namespace {

void compress_words(State& state, const std::uint32_t (&message)[16]) noexcept {
  std::uint32_t w[64];
  for (int t = 0; t < 16; ++t) w[t] = message[t];
  for (int t = 16; t < 64; ++t) {
    const std::uint32_t x = w[t - 15], y = w[t - 2];
    const std::uint32_t s0 = std::rotr(x, 7) ^ std::rotr(x, 18) ^ x >> 3;
    const std::uint32_t s1 = std::rotr(y, 17) ^ std::rotr(y, 19) ^ y >> 10;
    w[t] = s1 + w[t - 7] + s0 + w[t - 16];
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (int t = 0; t < 64; ++t) {
    const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + kRoundConstants[t] + w[t];
    const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1;
    d = c, c = b, b = a, a = t1 + t2;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void compress(State& state, const std::uint8_t* blocks, std::size_t block_count) noexcept {
  for (; block_count > 0; --block_count, blocks += 64) {
    std::uint32_t message[16];
    for (int t = 0; t < 16; ++t) message[t] = load_be32(blocks + 4 * t);
    compress_words(state, message);
  }
}

void store_digest(Digest& digest, const State& state) noexcept {
  for (std::size_t i = 0; i < 8; ++i) store_be32(digest.data() + 4 * i, state[i]);
}

void digest_many(const Batch& batch, Digest* digests) noexcept {
  for (std::size_t i = 0; i < batch.count; ++i) {
    State state = kInitialState;
    if (batch.body_blocks > 0) compress(state, batch.bodies[i], batch.body_blocks);
    if (batch.tail_blocks > 0) compress(state, batch.tails[i], batch.tail_blocks);
    store_digest(digests[i], state);
  }
}

void digest_64(const std::uint8_t* messages, std::size_t count, Digest* digests) noexcept {
  constexpr std::uint32_t kPadding[16] = {0x80000000, 0, 0, 0, 0, 0, 0, 0,
                                          0,          0, 0, 0, 0, 0, 0, 512};
  for (std::size_t i = 0; i < count; ++i) {
    State state = kInitialState;
    compress(state, messages + 64 * i, 1);
    compress_words(state, kPadding);
    store_digest(digests[i], state);
  }
}

void expand(const CounterRows& rows, std::uint32_t* words) noexcept {
  std::uint32_t message[16] = {};
  for (std::size_t j = 0; j < 8; ++j) message[j] = rows.key[j];
  message[8] = rows.word8, message[9] = rows.word9, message[10] = rows.word10;
  message[13] = 0x80000000;
  message[15] = 52 * 8;
  for (std::uint32_t row = 0; row < rows.row_count; ++row) {
    message[11] = rows.row_first + row;
    for (std::uint32_t group = 0; group < rows.group_count; ++group) {
      message[12] = rows.group_first + group;
      State state = kInitialState;
      compress_words(state, message);
      for (const std::uint32_t word : state) *words++ = word;
    }
  }
}

std::optional<std::uint32_t> scan(const OpenHeader& header, std::uint32_t first,
                                  std::uint64_t count) noexcept {
  std::uint32_t tail[16] = {header.tail[0], header.tail[1], header.tail[2], 0, 0x80000000};
  tail[15] = 80 * 8;
  std::uint32_t inner[16] = {};
  inner[8] = 0x80000000;
  inner[15] = 32 * 8;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto nonce = static_cast<std::uint32_t>(first + i);
    tail[3] = swap_bytes(nonce);
    State once = header.midstate;
    compress_words(once, tail);
    for (std::size_t j = 0; j < 8; ++j) inner[j] = once[j];
    State twice = kInitialState;
    compress_words(twice, inner);
    if (swap_bytes(twice[7]) <= header.top_max) return nonce;
  }
  return std::nullopt;
}

}  // namespace

constinit const Kernel kPortableKernel = {
    .name = "portable",
    .needs = "nothing",
    .lanes = 1,
    .supported = []() noexcept { return true; },
    .rank = []() noexcept { return std::array<std::uint8_t, kOperationCount>{9, 9, 9, 9}; },
    .compress = compress,
    .digest_many = digest_many,
    .digest_64 = digest_64,
    .expand = expand,
    .scan = scan,
};

}  // namespace calx::hash
