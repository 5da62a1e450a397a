#include "calx/work/scanner_job_runner.h"

#include <algorithm>

#include "calx/base/assert.h"
#include "calx/hash/sha256.h"
#include "calx/work/coinbase.h"

namespace calx::work {
namespace {

constexpr std::uint64_t kNonces = std::uint64_t{1} << 32;
constexpr std::uint64_t kNoncesBetweenLooks = 1u << 16;  // at the clock and the stop token

class PlainRunner final : public JobRunner {
 public:
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kSoftware; }

  Result<FoundShare> run(const Job& job, std::stop_token stop) override {
    CALX_TRY(check(job));
    FoundShare found{.share = {.extranonce_1 = std::vector<std::uint8_t>(job.extranonce1_bytes),
                               .extranonce_2 = std::vector<std::uint8_t>(job.extranonce2_bytes),
                               .ntime = job.ntime},
                     .origin = origin()};
    for (;;) {
      const CheckedShare first = check_share(job, found.share);
      const hash::Header header = encode(first.header);
      hash::Sha256 start;
      start.update(std::span(header).first(76));
      for (std::uint64_t nonce = 0; nonce < kNonces; ++nonce) {
        if (nonce % kNoncesBetweenLooks == 0) {
          if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the search was stopped");
          if (std::chrono::steady_clock::now() > job.deadline) {
            return fail(ErrorCode::kDeadlineExceeded, "no share was found before the deadline");
          }
        }
        hash::Sha256 one = start;
        const auto value = static_cast<std::uint32_t>(nonce);
        for (int b = 0; b < 4; ++b) one.update_u8(static_cast<std::uint8_t>(value >> (8 * b)));
        ++found.hashes;
        if (!job.target.met_by(hash::sha256(one.finish()))) continue;
        found.share.nonce = value;
        return found;
      }
      for (auto& byte : found.share.extranonce_2) {
        if (++byte != 0) break;
      }
    }
  }
};

}  // namespace

JobRunner& software_runner() {
  static PlainRunner runner;
  return runner;
}

}  // namespace calx::work
