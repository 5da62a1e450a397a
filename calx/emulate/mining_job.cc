#include "calx/emulate/mining_job.h"

#include "calx/work/block_header.h"
#include "calx/work/coinbase.h"

namespace calx::emulate {

std::vector<std::uint8_t> extranonce2_counter(std::uint64_t count, std::size_t bytes) {
  std::vector<std::uint8_t> out(bytes);
  for (auto& byte : out) {
    byte = static_cast<std::uint8_t>(count);
    count >>= 8;
  }
  return out;
}

std::uint32_t version_bits_counter(std::uint64_t count, std::uint32_t mask) noexcept {
  std::uint32_t bits = 0;
  for (std::uint32_t left = mask; left != 0; left &= left - 1) {
    const std::uint32_t lowest = left & (~left + 1);
    if ((count & 1) != 0) bits |= lowest;
    count >>= 1;
  }
  return bits;
}

hash::Header header_of(const MiningJob& job, const Roll& roll) {
  const auto txid = work::coinbase_txid(job.coinbase_part_1, job.extranonce_1, roll.extranonce_2,
                                        job.coinbase_part_2);
  return work::encode({.version = job.version ^ roll.version_bits,
                       .previous_hash = job.previous_hash,
                       .merkle_root = work::merkle_root(txid, job.branches),
                       .ntime = job.ntime,
                       .nbits = job.nbits});
}

}  // namespace calx::emulate
