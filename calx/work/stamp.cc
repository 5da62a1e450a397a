#include "calx/work/stamp.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/base/hex.h"
#include "calx/hash/sha256.h"
#include "calx/work/block_header.h"
#include "calx/work/coinbase.h"

namespace calx::work {
namespace {

bool all_zero(std::span<const std::uint8_t> bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

Result<void> check_limits(const Stamp& stamp) {
  CALX_TRY(check_coinbase_part_1(stamp.coinbase_part_1, stamp.extranonce_1.size(),
                                 stamp.extranonce_2.size()));
  if (stamp.branches.size() > kBranchesMax) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("the stamp has {} branches, at most {}",
                                                         stamp.branches.size(), kBranchesMax));
  }
  if (stamp.leaves == 0 || stamp.leaves > kLeavesMax) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the stamp counts {} leaves, wanted 1 to {}", stamp.leaves, kLeavesMax));
  }
  if ((stamp.version & ~kVersionMask) != kTemplateVersion) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the stamp's header has version {:08x}, wanted {:08x} with no bits set "
                            "but those of {:08x}",
                            stamp.version, kTemplateVersion, kVersionMask));
  }
  if (stamp.nbits != kTemplateNbits) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the stamp's header has nbits {:08x}, wanted the constant {:08x}",
                            stamp.nbits, kTemplateNbits));
  }
  return {};
}

hash::Digest header_hash(const Stamp& stamp) {
  const auto part_2 = coinbase_part_2(stamp_payload(stamp.target, stamp.leaves, stamp.root));
  const auto txid =
      coinbase_txid(stamp.coinbase_part_1, stamp.extranonce_1, stamp.extranonce_2, part_2);
  return block_hash(encode({.version = stamp.version,
                            .previous_hash = stamp.previous_hash,
                            .merkle_root = merkle_root(txid, stamp.branches),
                            .ntime = stamp.ntime,
                            .nbits = stamp.nbits,
                            .nonce = stamp.nonce}));
}

}  // namespace

hash::Digest stamp_payload(const Target& target, std::uint32_t leaves, const hash::Digest& root) {
  return hash::Sha256()
      .update("calx-stamp-1")
      .update(target.bytes())
      .update_u32(leaves)
      .update(root)
      .finish();
}

Result<Stamp> make_stamp(const RequestTree& tree, const Target& target, JobRunner& runner,
                         Deadline deadline, std::stop_token stop) {
  Job job = template_job(stamp_payload(target, tree.leaves(), tree.root()), target);
  job.version_mask = runner.version_mask() & kVersionMask;
  job.deadline = deadline;
  CALX_ASSIGN(found, runner.run(job, stop));
  return stamp_from_share(tree, job, found);
}

Result<Stamp> stamp_from_share(const RequestTree& tree, const Job& job, const FoundShare& found) {
  CALX_TRY(check(job));
  const auto part_2 = coinbase_part_2(stamp_payload(job.target, tree.leaves(), tree.root()));
  if (!std::ranges::equal(job.coinbase_part_2, part_2)) {
    return fail(ErrorCode::kInvalidArgument, "the job does not carry the payload of this tree");
  }
  const CheckedShare checked = check_share(job, found.share);
  if (checked.verdict != ShareVerdict::kAccepted) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("share refused: {}", checked.reason));
  }
  Stamp stamp{.target = job.target,
              .leaves = tree.leaves(),
              .root = tree.root(),
              .version = checked.header.version,
              .previous_hash = job.previous_hash,
              .coinbase_part_1 = job.coinbase_part_1,
              .extranonce_1 = found.share.extranonce_1,
              .extranonce_2 = found.share.extranonce_2,
              .branches = job.branches,
              .ntime = found.share.ntime,
              .nbits = job.nbits,
              .nonce = found.share.nonce,
              .hash = checked.hash,
              .origin = found.origin};
  CALX_TRY(check(stamp));
  return stamp;
}

Result<hash::Digest> check(const Stamp& stamp) {
  CALX_TRY(check_limits(stamp));
  const hash::Digest hash = header_hash(stamp);
  if (!stamp.target.met_by(hash)) {
    return fail(
        ErrorCode::kDataLoss,
        fmt::format("the header hashes to {}..., above the target {}...",
                    display_hash(hash).substr(0, 16), stamp.target.to_string().substr(0, 16)));
  }
  if (hash != stamp.hash) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("the header hashes to {}..., the stamp says {}...",
                            to_hex(hash).substr(0, 16), to_hex(stamp.hash).substr(0, 16)));
  }
  return hash;
}

bool is_template(const Stamp& stamp) {
  return stamp.version == kTemplateVersion && all_zero(stamp.previous_hash) &&
         stamp.coinbase_part_1 == coinbase_part_1(kExtranonce1Bytes, kExtranonce2Bytes) &&
         stamp.extranonce_1.size() == kExtranonce1Bytes && all_zero(stamp.extranonce_1) &&
         stamp.extranonce_2.size() == kExtranonce2Bytes && stamp.branches.empty() &&
         stamp.ntime == kTemplateNtime && stamp.nbits == kTemplateNbits;
}

Result<Minimality> check_minimality(const Stamp& stamp, JobRunner& runner, std::stop_token stop) {
  if (stamp.target.expected_hashes() > kMinimalityHashesMax) return Minimality::kNotChecked;
  const Job job = template_job(stamp_payload(stamp.target, stamp.leaves, stamp.root), stamp.target);
  CALX_ASSIGN(lowest, runner.run(job, stop));
  const bool same =
      lowest.share.extranonce_2 == stamp.extranonce_2 && lowest.share.nonce == stamp.nonce;
  return same ? Minimality::kLowest : Minimality::kNotLowest;
}

}  // namespace calx::work
