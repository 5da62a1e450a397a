// What a miner is asked: everything of a header but what it may choose.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/digest.h"
#include "calx/work/target.h"

namespace calx::work {

inline constexpr std::uint32_t kTemplateVersion = 0x20000000;
inline constexpr std::uint32_t kVersionMask = 0x1fffe000;  // BIP 310, bits that miners may roll
/// A hard chain target, so that no miner mistakes a share for a block.
inline constexpr std::uint32_t kTemplateNbits = 0x17023a04;
inline constexpr std::uint32_t kTemplateNtime = 0x68e00000;  // 2025-10-03; a constant, not a date
inline constexpr std::size_t kExtranonce1Bytes = 4;
inline constexpr std::size_t kExtranonce2Bytes = 8;
inline constexpr std::size_t kBranchesMax = 32;

using Deadline = std::chrono::steady_clock::time_point;

struct Job {
  std::vector<std::uint8_t> coinbase_part_1 = {}, coinbase_part_2 = {};
  std::size_t extranonce1_bytes = kExtranonce1Bytes;
  std::size_t extranonce2_bytes = kExtranonce2Bytes;
  std::vector<hash::Digest> branches = {};  // raw, as in the merkle tree
  hash::Digest previous_hash{};             // as in the header
  std::uint32_t version = kTemplateVersion;
  std::uint32_t version_mask = 0;  // 0: the miner may not roll the version
  std::uint32_t nbits = kTemplateNbits;
  std::uint32_t ntime = kTemplateNtime;
  Target target = {};
  Deadline deadline = Deadline::max();
};

/// The constant software template around a payload: previous hash 0, no branches, no rolling.
Job template_job(const hash::Digest& payload, const Target& target);

/// Errors: kInvalidArgument names the part that is out of its limits (sizes, branches, a version
/// that sets bits of the mask).
Result<void> check(const Job& job);

}  // namespace calx::work
