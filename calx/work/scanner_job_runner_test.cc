// Goal: any scanner becomes a job runner, whatever it misses, and none found is never a nonce.
// Method: faults: scanners that find nothing, stop half way, lie, or say nothing; law: the software
// scanner finds the lowest nonce whatever its threads.
#include "calx/work/scanner_job_runner.h"

#include <gmock/gmock.h>

#include <functional>

#include "calx/base/hex.h"
#include "calx/hash/software_engine.h"

namespace calx::work {
namespace {

Job job_of(std::uint32_t bits) {
  return template_job(hash::Digest{1, 2, 3}, *Target::from_work_bits(bits));
}

// A scanner whose every answer the test decides.
class ScriptedScanner final : public hash::HeaderScanner {
 public:
  using Answer = std::function<hash::ScanReport(const hash::ScanRequest&)>;
  explicit ScriptedScanner(Answer answer) : answer_(std::move(answer)) {
    info_.name = "scripted";
    info_.origin = Origin::kEmulated;
  }
  [[nodiscard]] const hash::EngineInfo& info() const noexcept override { return info_; }
  Result<hash::ScanReport> scan(const hash::ScanRequest& request, std::stop_token) override {
    ++scans;
    return answer_(request);
  }
  int scans = 0;

 private:
  hash::EngineInfo info_;
  Answer answer_;
};

hash::ScanReport honest(const hash::ScanRequest& request) {
  hash::SoftwareScanner software;
  return *software.scan(request);
}

hash::ScanReport answer(std::vector<std::uint32_t> nonces, std::optional<std::uint32_t> covered) {
  hash::ScanReport report;
  report.nonces = std::move(nonces);
  report.nonce_last_covered = covered;
  report.hashes_claimed = 1;
  report.origin = Origin::kEmulated;
  return report;
}

TEST(ScannerJobRunnerTest, TheLowestNonceIsTheSameForEveryNumberOfThreads) {
  const Job job = job_of(14);
  const auto want = software_runner().run(job, {});
  ASSERT_TRUE(want);
  EXPECT_EQ(want->origin, Origin::kSoftware);
  for (const unsigned threads : {1u, 2u, 3u, 8u}) {
    hash::SoftwareScanner scanner(threads);
    EXPECT_EQ(ScannerJobRunner(scanner).run(job, {})->share, want->share) << threads;
  }
  Share lower = want->share;
  for (lower.nonce = 0; lower.nonce < want->share.nonce; ++lower.nonce) {
    ASSERT_EQ(check_share(job, lower).verdict, ShareVerdict::kAboveTarget);
  }
}

TEST(ScannerJobRunnerTest, WhenTheNoncesRunOutExtranonce2Rolls) {
  ScriptedScanner scanner([&](const hash::ScanRequest& request) {
    if (scanner.scans <= 300) {  // 300 headers without any nonce
      return answer({}, 0xffffffff);
    }
    return honest(request);
  });
  const auto found = ScannerJobRunner(scanner).run(job_of(8), {});
  ASSERT_TRUE(found);
  EXPECT_EQ(to_hex(found->share.extranonce_2), "2c01000000000000") << "300, little-endian";
  EXPECT_EQ(check_share(job_of(8), found->share).verdict, ShareVerdict::kAccepted);
  EXPECT_EQ(found->origin, Origin::kEmulated);
}

TEST(ScannerJobRunnerTest, AScanThatStopsHalfWayIsContinued) {
  std::vector<std::uint32_t> firsts;
  ScriptedScanner scanner([&](const hash::ScanRequest& request) {
    firsts.push_back(request.nonce_first);
    if (firsts.size() < 4) {
      return answer({}, request.nonce_first + 9);
    }
    return honest(request);
  });
  ASSERT_TRUE(ScannerJobRunner(scanner).run(job_of(8), {}));
  EXPECT_EQ(firsts, (std::vector<std::uint32_t>{0, 10, 20, 30}));
}

TEST(ScannerJobRunnerTest, AFalseNonceIsPassedOverAndALiarGivenUp) {
  ScriptedScanner once([&](const hash::ScanRequest& request) {
    if (once.scans == 1) return answer({0}, 0);
    return honest(request);
  });
  EXPECT_EQ(ScannerJobRunner(once).run(job_of(12), {})->share,
            software_runner().run(job_of(12), {})->share);
  ScriptedScanner liar(
      [](const hash::ScanRequest& request) { return answer({request.nonce_first}, std::nullopt); });
  const auto failed = ScannerJobRunner(liar).run(job_of(60), {});
  EXPECT_EQ(failed.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(failed.error().message, testing::HasSubstr("scripted sent"));
}

TEST(ScannerJobRunnerTest, AScannerThatDoesNothingIsUnavailable) {
  ScriptedScanner silent([](const hash::ScanRequest&) { return hash::ScanReport{}; });
  EXPECT_EQ(ScannerJobRunner(silent).run(job_of(60), {}).error().code, ErrorCode::kUnavailable);
}

TEST(ScannerJobRunnerTest, AnOriginIsNeverRaisedAboveTheReport) {
  ScriptedScanner modest([](const hash::ScanRequest& request) {
    auto report = honest(request);
    report.origin = Origin::kModelled;
    return report;
  });
  EXPECT_EQ(ScannerJobRunner(modest).run(job_of(4), {})->origin, Origin::kModelled);
  ScriptedScanner proud([](const hash::ScanRequest& request) {
    auto report = honest(request);
    report.origin = Origin::kDevice;
    return report;
  });
  EXPECT_EQ(ScannerJobRunner(proud).run(job_of(4), {})->origin, Origin::kEmulated);
}

TEST(ScannerJobRunnerTest, ADeadlineAndAStopEndTheSearch) {
  Job job = job_of(64);
  job.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(30);
  EXPECT_EQ(software_runner().run(job, {}).error().code, ErrorCode::kDeadlineExceeded);
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(software_runner().run(job_of(64), source.get_token()).error().code,
            ErrorCode::kCancelled);
}

TEST(ScannerJobRunnerTest, ABrokenJobIsRefusedBeforeAnyWork) {
  Job job = job_of(8);
  job.coinbase_part_2.pop_back();
  EXPECT_EQ(software_runner().run(job, {}).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::work
