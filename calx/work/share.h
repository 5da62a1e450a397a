// What a miner answers, and the host's own judgement of it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/hash/digest.h"
#include "calx/work/block_header.h"
#include "calx/work/job.h"

namespace calx::work {

struct Share {
  std::vector<std::uint8_t> extranonce_1 = {};  // given to the miner by the host
  std::vector<std::uint8_t> extranonce_2 = {};  // chosen by the miner
  std::uint32_t ntime = 0;
  std::uint32_t nonce = 0;
  std::uint32_t version_bits = 0;  // version = job version XOR these; only inside the job's mask

  friend bool operator==(const Share&, const Share&) = default;
};

/// Answers of the wire (Stratum V1 error codes). Duplicates (22) and lost jobs (21) need the host's
/// memory and are judged where it is kept.
enum class ShareVerdict : std::uint8_t { kAccepted = 0, kMalformed = 20, kAboveTarget = 23 };

struct CheckedShare {
  ShareVerdict verdict = ShareVerdict::kMalformed;
  std::string_view reason = {};  // constant text; empty when accepted
  BlockHeader header = {};       // set unless malformed
  hash::Digest hash{};           // set unless malformed
};

inline constexpr std::uint32_t kRollSecondsMax = 7200;  // ntime in [job ntime, job ntime + this]

/// Hashes the share again and judges it. Nothing that a miner says is believed.
/// Cost: 2 + branches double hashes. Source: docs/protocol/stamp.md; Stratum V1, BIP 310.
CheckedShare check_share(const Job& job, const Share& share);

/// A nonce as miners send it: 1 to 8 hex digits, most significant first, also unpadded.
Result<std::uint32_t> parse_nonce(std::string_view digits);

}  // namespace calx::work
