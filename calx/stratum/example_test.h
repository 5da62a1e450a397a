// Two jobs whose shares are known: a measured example with one branch, and a capture of a real
// miner's share (BM1370, published with the mujina project's test data).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "calx/base/hex.h"
#include "calx/hash/sha256.h"
#include "calx/work/block_header.h"
#include "calx/work/job.h"

namespace calx::stratum {

inline std::vector<std::uint8_t> bytes_of(std::string_view digits) {
  return from_hex(digits).value();
}

inline hash::Digest digest_of(std::string_view digits) {
  hash::Digest out{};
  from_hex(digits, out).value();
  return out;
}

inline constexpr std::uint32_t kExampleExtranonce1 = 0xca1c0001;
inline constexpr int kExampleLog2Difficulty = -10;

/// Its share: extranonce 2 0100000000000000, time 68e00000, nonce 0005ff78, version bits 00006000.
inline work::Job example_job() {
  const auto nonce = bytes_of("00112233445566778899aabbccddeeff");
  const auto commitment = hash::Sha256().update("calx-example-request-1").update(nonce).finish();
  work::Job job =
      work::template_job(commitment, work::Target::from_difficulty(0.0009765625).value());
  job.branches = {digest_of("0bdb36e25789818635ef68c08feb67d26b139162b219f13150f1da5b4242a224")};
  job.previous_hash = work::parse_stratum_previous_hash(
                          "30876c8ca059900ab3433f2b5df96bfffd1b46c400000aa00000000000000000")
                          .value();
  job.version_mask = work::kVersionMask;
  return job;
}

inline constexpr std::string_view kExamplePart1 =
    "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff160340d10c2f"
    "63616c782f";
inline constexpr std::string_view kExamplePart2 =
    "ffffffff02000000000000000001510000000000000000226a204606d8ecd40e6ed35c43666bf2086f8feb56ee9ed4"
    "d11d7db563f6727975ff3000000000";

inline constexpr std::uint32_t kCaptureExtranonce1 = 0x4128064f;

/// Its share: extranonce 2 17000000, time 685468d7, nonce 7552034c, version bits 00b44000;
/// difficulty 29588.
inline work::Job capture_job() {
  work::Job job;
  job.coinbase_part_1 = bytes_of(
      "02000000010000000000000000000000000000000000000000000000000000000000000000ffffffff170330c30d"
      "5075626c69632d506f6f6c");
  job.coinbase_part_2 = bytes_of(
      "ffffffff02e5b5c61200000000220020984a77c289084ff2d434c316bdada021c6c183d507c8a20d3b159b09ac02"
      "fe280000000000000000266a24aa21a9edb98ee50410ed4abd48401ed484fc874409d086a3faf0816136a8ad6168"
      "314c5800000000");
  job.extranonce2_bytes = 4;
  for (const std::string_view branch :
       {"21af451ddb51e887ff1feb5592b87290098565035eb8500031aedcc776d4e72a",
        "c5af269519c809a9546d5a58ca6445d3dbb80cb7045448ecc48309af034da8f8",
        "fb9f8f9959f6bb0ceb63fa53aed1d5a615c6b6d3f50a468ea89a45a1234bda74",
        "a4f4fee8e5fc19ca8d93e67b9236c37ddb864982010434745c0abfe9b914980c",
        "33092206642744fbe5499c3e621cd5c6b52733e54fbebd869f070082b807f740",
        "3b857e32c5cff4864efab967b9a456ca03b2167ab96bd9076ce294c8a67a7fe2",
        "881a07cd881d0c3e590b4b090ea8d58e1439dc56c63686f7de23c47045441e30",
        "315e4dbcc8e7b1c9d594a73978268791880dddb2c26eec8e75768668dad99d80",
        "69952b77c632be16b1ac7ac7048f13d4e962b2e215d79a343f01e6e281d7c304",
        "fc63eb4392c4d6c6d689788875fca35143fdcd4f4a82e8698e0e441751a70b4a",
        "09e419bbe20aa3a7640f1b91f50599ceddff899e90d3f18951ad5418c4850a6b",
        "004978aa346b4f1880bcadb3ca3792d771ee6aeca427f61e74baba44b75cfb88"}) {
    job.branches.push_back(digest_of(branch));
  }
  job.previous_hash = work::parse_stratum_previous_hash(
                          "6b6455fd6db962c101f2d4fc0d67f4a3bc96391d000152960000000000000000")
                          .value();
  job.version_mask = work::kVersionMask;
  job.ntime = 0x685468d7;
  job.target = work::Target::from_difficulty(8192, 1).value();
  return job;
}

}  // namespace calx::stratum
