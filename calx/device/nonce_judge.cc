#include "calx/device/nonce_judge.h"

#include <fmt/format.h>

#include <bit>

namespace calx::device {
namespace {

constexpr std::uint64_t kWrongInARowMax = 64;

}  // namespace

unsigned leading_zero_bits(const hash::Digest& hash) noexcept {
  unsigned bits = 0;
  for (std::size_t i = hash.size(); i-- > 0;) {
    bits += static_cast<unsigned>(std::countl_zero(hash[i]));
    if (hash[i] != 0) break;
  }
  return bits;
}

unsigned leading_zero_bits(const work::Target& target) noexcept {
  unsigned bits = 0;
  for (const std::uint8_t byte : target.bytes()) {
    bits += static_cast<unsigned>(std::countl_zero(byte));
    if (byte != 0) break;
  }
  return bits;
}

bool NonceJudge::accepts(const work::Job& job, const work::Share& share) {
  ++nonces_;
  const work::CheckedShare checked = work::check_share(job, share);
  if (checked.verdict == work::ShareVerdict::kAccepted) {
    wrong_in_a_row_ = 0;
    return true;
  }
  const bool truthful = checked.verdict == work::ShareVerdict::kAboveTarget &&
                        leading_zero_bits(checked.hash) >= base_bits_;
  ++(truthful ? above_target_ : wrong_);
  wrong_in_a_row_ = truthful ? 0 : wrong_in_a_row_ + 1;
  return false;
}

Result<void> NonceJudge::trust() const {
  if (wrong_in_a_row_ <= kWrongInARowMax) return {};
  return fail(ErrorCode::kDataLoss,
              fmt::format("{} sent {} nonces in a row whose hashes lack {} zero bits", name_,
                          wrong_in_a_row_, base_bits_));
}

work::Share first_share(const work::Job& job) {
  return {.extranonce_1 = std::vector<std::uint8_t>(job.extranonce1_bytes),
          .extranonce_2 = std::vector<std::uint8_t>(job.extranonce2_bytes),
          .ntime = job.ntime};
}

void count_up(std::vector<std::uint8_t>& extranonce_2) noexcept {
  for (std::uint8_t& byte : extranonce_2) {
    if (++byte != 0) return;
  }
}

}  // namespace calx::device
