#include "calx/work/scanner_job_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "calx/hash/software_engine.h"

namespace calx::work {
namespace {

constexpr std::uint32_t kNonceLast = 0xffffffff;
constexpr std::uint32_t kFalseNoncesMax = 64;  // in a row, from a scanner that should know better
constexpr std::uint32_t kSilentScansMax = 16;  // in a row: no nonce, no progress, no work claimed
constexpr std::chrono::milliseconds kScanMax = std::chrono::hours(1);

// One run over one job: the place of the search and what the scanner has been worth so far.
class Search {
 public:
  Search(hash::HeaderScanner& scanner, const Job& job, std::stop_token stop)
      : scanner_(scanner), job_(job), stop_(std::move(stop)) {
    found_.share = {.extranonce_1 = std::vector<std::uint8_t>(job.extranonce1_bytes),
                    .extranonce_2 = std::vector<std::uint8_t>(job.extranonce2_bytes),
                    .ntime = job.ntime};
    found_.origin = scanner.info().origin;
  }

  Result<FoundShare> run() {
    for (;;) {
      CALX_ASSIGN(timeout, time_left());
      hash::ScanRequest request{.header = encode(check_share(job_, found_.share).header),
                                .target = job_.target.bytes(),
                                .nonce_first = next_nonce_};
      request.timeout = timeout;
      CALX_ASSIGN(report, scanner_.scan(request, stop_));
      found_.hashes += report.hashes_claimed;
      for (const std::uint32_t nonce : report.nonces) {
        found_.share.nonce = nonce;
        if (check_share(job_, found_.share).verdict == ShareVerdict::kAccepted) {
          // The earlier of the two in the list: a report may be weaker than its engine, never
          // stronger.
          found_.origin = combine(found_.origin, report.origin);
          return found_;
        }
      }
      CALX_TRY(judge(report));
      CALX_TRY(advance(report));
    }
  }

 private:
  Result<std::chrono::milliseconds> time_left() const {
    if (stop_.stop_requested()) return fail(ErrorCode::kCancelled, "the search was stopped");
    if (job_.deadline == Deadline::max()) return kScanMax;
    const auto left = job_.deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) {
      return fail(ErrorCode::kDeadlineExceeded, "no share was found before the deadline");
    }
    return std::min(kScanMax, std::chrono::ceil<std::chrono::milliseconds>(left));
  }

  Result<void> judge(const hash::ScanReport& report) {
    false_nonces_ += static_cast<std::uint32_t>(report.nonces.size());
    const bool silent =
        report.nonces.empty() && !report.nonce_last_covered && report.hashes_claimed == 0;
    silent_scans_ = silent ? silent_scans_ + 1 : 0;
    if (false_nonces_ > kFalseNoncesMax) {
      return fail(ErrorCode::kDataLoss, fmt::format("{} sent {} nonces and none meets the target",
                                                    scanner_.info().name, false_nonces_));
    }
    if (silent_scans_ > kSilentScansMax) {
      return fail(ErrorCode::kUnavailable, fmt::format("{} reports no work after {} scans",
                                                       scanner_.info().name, silent_scans_));
    }
    return {};
  }

  // Where to go on: behind what was covered, or to the next extranonce 2 when nothing is left.
  Result<void> advance(const hash::ScanReport& report) {
    std::uint32_t last = report.nonce_last_covered.value_or(kNonceLast);
    if (!report.nonces.empty())
      last = std::max(report.nonces.back(), report.nonce_last_covered.value_or(0));
    if (last != kNonceLast) {
      next_nonce_ = last + 1;
      return {};
    }
    next_nonce_ = 0;
    for (auto& byte : found_.share.extranonce_2) {
      if (++byte != 0) return {};
    }
    return fail(ErrorCode::kResourceExhausted, "every extranonce 2 of the job was tried");
  }

  hash::HeaderScanner& scanner_;
  const Job& job_;
  std::stop_token stop_;
  FoundShare found_;
  std::uint32_t next_nonce_ = 0;
  std::uint32_t false_nonces_ = 0, silent_scans_ = 0;
};

class SoftwareRunner final : public JobRunner {
 public:
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kSoftware; }
  Result<FoundShare> run(const Job& job, std::stop_token stop) override {
    hash::SoftwareScanner scanner(std::max(1u, std::thread::hardware_concurrency()));
    return ScannerJobRunner(scanner).run(job, std::move(stop));
  }
};

}  // namespace

Origin ScannerJobRunner::origin() const noexcept { return scanner_.info().origin; }

Result<FoundShare> ScannerJobRunner::run(const Job& job, std::stop_token stop) {
  CALX_TRY(check(job));
  return Search(scanner_, job, std::move(stop)).run();
}

JobRunner& software_runner() {
  static SoftwareRunner runner;
  return runner;
}

}  // namespace calx::work
