#include "calx/work/share.h"

#include <fmt/format.h>

#include <charconv>

#include "calx/work/coinbase.h"

namespace calx::work {
namespace {

std::string_view malformed(const Job& job, const Share& share) {
  if (share.extranonce_1.size() != job.extranonce1_bytes) return "extranonce 1 has another size";
  if (share.extranonce_2.size() != job.extranonce2_bytes) return "extranonce 2 has another size";
  if ((share.version_bits & ~job.version_mask) != 0) return "version bits outside the mask";
  if (share.ntime < job.ntime || share.ntime - job.ntime > kRollSecondsMax) {
    return "time outside the job's window";
  }
  return {};
}

}  // namespace

CheckedShare check_share(const Job& job, const Share& share) {
  CheckedShare checked;
  checked.reason = malformed(job, share);
  if (!checked.reason.empty()) return checked;
  const hash::Digest txid = coinbase_txid(job.coinbase_part_1, share.extranonce_1,
                                          share.extranonce_2, job.coinbase_part_2);
  checked.header = {.version = job.version ^ share.version_bits,
                    .previous_hash = job.previous_hash,
                    .merkle_root = merkle_root(txid, job.branches),
                    .ntime = share.ntime,
                    .nbits = job.nbits,
                    .nonce = share.nonce};
  checked.hash = block_hash(encode(checked.header));
  if (job.target.met_by(checked.hash)) {
    checked.verdict = ShareVerdict::kAccepted;
  } else {
    checked.verdict = ShareVerdict::kAboveTarget;
    checked.reason = "the hash is above the target";
  }
  return checked;
}

Result<std::uint32_t> parse_nonce(std::string_view digits) {
  std::uint32_t nonce = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), nonce, 16);
  if (digits.empty() || digits.size() > 8 || error != std::errc() ||
      end != digits.data() + digits.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("nonce '{}': wanted 1 to 8 hex digits", digits.substr(0, 16)));
  }
  return nonce;
}

}  // namespace calx::work
