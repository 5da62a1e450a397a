#include "calx/work/job.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/work/coinbase.h"

namespace calx::work {

Job template_job(const hash::Digest& payload, const Target& target) {
  const auto part_2 = coinbase_part_2(payload);
  Job job;
  job.coinbase_part_1 = coinbase_part_1(kExtranonce1Bytes, kExtranonce2Bytes);
  job.coinbase_part_2.assign(part_2.begin(), part_2.end());
  job.target = target;
  return job;
}

Result<void> check(const Job& job) {
  CALX_TRY(
      check_coinbase_part_1(job.coinbase_part_1, job.extranonce1_bytes, job.extranonce2_bytes));
  hash::Digest payload{};
  if (job.coinbase_part_2.size() == kCoinbasePart2Bytes) {
    std::copy_n(job.coinbase_part_2.begin() + kPayloadOffset, payload.size(), payload.begin());
  }
  if (!std::ranges::equal(job.coinbase_part_2, coinbase_part_2(payload))) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coinbase part 2 of {} bytes is not the {} constant bytes around a "
                            "payload",
                            job.coinbase_part_2.size(), kCoinbasePart2Bytes));
  }
  if (job.branches.size() > kBranchesMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a job of {} branches, at most {}", job.branches.size(), kBranchesMax));
  }
  if ((job.version & job.version_mask) != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("job version {:08x} sets bits of its mask {:08x}", job.version,
                            job.version_mask));
  }
  return {};
}

}  // namespace calx::work
