// Goal: an emulated miner cannot answer without having hashed.
// Method: every answer to 40 fresh headers is hashed again by OpenSSL. The same judge is then given
// two liars, a table of ready replies and a sleeper with one stored share, and must refuse both.
#include <gtest/gtest.h>

#include <functional>

#include "calx/emulate/chip_model.h"
#include "calx/emulate/mining_job.h"
#include "calx/emulate/openssl_hash.h"

namespace calx::emulate {
namespace {

constexpr int kLog2Difficulty = -20;  // 4096 hashes
constexpr std::size_t kHeaders = 40;

using Answerer = std::function<std::uint32_t(const hash::Header&)>;

hash::Header fresh_header(std::uint64_t number) {
  const MiningJob job{.id = "1",
                      .coinbase_part_1 = Bytes(42, 1),
                      .coinbase_part_2 = Bytes(62, 2),
                      .version = 0x20000000,
                      .nbits = 0x17023a04,
                      .ntime = 0x68e00000,
                      .extranonce_1 = Bytes(4, 3),
                      .extranonce2_bytes = 8};
  return header_of(job, {.extranonce_2 = extranonce2_counter(number, 8)});
}

// How many of the answers hold when somebody else hashes them.
std::size_t honest_answers(const Answerer& answer) {
  std::size_t honest = 0;
  for (std::uint64_t number = 0; number < kHeaders; ++number) {
    hash::Header header = fresh_header(number);
    const std::uint32_t nonce = answer(header);
    for (std::size_t i = 0; i < 4; ++i) header[76 + i] = static_cast<std::uint8_t>(nonce >> 8 * i);
    if (meets(openssl_double_hash(header), openssl_target(kLog2Difficulty))) ++honest;
  }
  return honest;
}

std::uint32_t really_search(const hash::Header& header) {
  ChipModel chip;
  chip.load(header,
            work::Target::from_difficulty(std::uint64_t{1}, std::uint64_t{1} << 20).value());
  for (;;) {
    if (const auto nonce = chip.run(1 << 16).nonce) return *nonce;
  }
}

TEST(HonestyTest, EveryAnswerOfTheChipHoldsWhenHashedAgain) {
  EXPECT_EQ(honest_answers(really_search), kHeaders);
}

TEST(HonestyTest, AReplyTableIsFoundOut) {
  std::vector<std::uint32_t> table;
  for (std::uint64_t number = 0; number < kHeaders; ++number) {
    table.push_back(really_search(fresh_header(1000 + number)));
  }
  std::size_t next = 0;
  EXPECT_LE(honest_answers([&](const hash::Header&) { return table[next++]; }), 1u);
}

TEST(HonestyTest, ASleepAndAStoredShareAreFoundOut) {
  const std::uint32_t stored = really_search(fresh_header(0));
  // It was right once, for the header it was found for; waiting any time does not change the rest.
  EXPECT_EQ(honest_answers([&](const hash::Header&) { return stored; }), 1u);
}

}  // namespace
}  // namespace calx::emulate
