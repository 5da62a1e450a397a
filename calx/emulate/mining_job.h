// A job as a miner holds it: what mining.notify said, and the headers that follow from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "calx/hash/digest.h"

namespace calx::emulate {

struct MiningJob {
  std::string id;
  hash::Digest previous_hash{};  // as in the header
  std::vector<std::uint8_t> coinbase_part_1 = {}, coinbase_part_2 = {};
  std::vector<hash::Digest> branches = {};
  std::uint32_t version = 0, nbits = 0, ntime = 0;
  bool clean = false;
  // In force when the job arrived:
  std::vector<std::uint8_t> extranonce_1 = {};
  std::size_t extranonce2_bytes = 0;
  std::uint32_t version_mask = 0;
};

/// What one header is made of beside the job.
struct Roll {
  std::vector<std::uint8_t> extranonce_2 = {};
  std::uint32_t version_bits = 0;
};

/// `count` as the miner's counter bytes, the lowest byte first, cut to `bytes`.
std::vector<std::uint8_t> extranonce2_counter(std::uint64_t count, std::size_t bytes);

/// The count-th way of setting the bits of `mask`: bit i of the count moves to the i-th bit of the
/// mask, from the lowest.
std::uint32_t version_bits_counter(std::uint64_t count, std::uint32_t mask) noexcept;

/// The header with nonce 0: version XOR the rolled bits, and the root over the coinbase.
hash::Header header_of(const MiningJob& job, const Roll& roll);

}  // namespace calx::emulate
