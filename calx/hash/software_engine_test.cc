// Goal: the engines of this processor keep the contract, and threads do not change a report.
// Method: the contract body; parity of one thread with several.
#include "calx/hash/software_engine.h"

#include "calx/hash/engine_contract_test.h"

namespace calx::hash {
namespace {

INSTANTIATE_TEST_SUITE_P(Software, DigestEngineContractTest,
                         testing::Values(DigestEngineMaker{
                             "software", [] { return std::make_unique<SoftwareDigestEngine>(); }}),
                         [](const auto& maker) { return maker.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Software, HeaderScannerContractTest,
    testing::Values(
        HeaderScannerMaker{"one_thread", [] { return std::make_unique<SoftwareScanner>(1); }},
        HeaderScannerMaker{"three_threads", [] { return std::make_unique<SoftwareScanner>(3); }}),
    [](const auto& maker) { return maker.param.name; });

TEST(SoftwareEngineTest, SaysThatSoftwareComputed) {
  EXPECT_EQ(SoftwareDigestEngine().info().origin, Origin::kSoftware);
  EXPECT_EQ(SoftwareScanner().info().origin, Origin::kSoftware);
}

TEST(SoftwareEngineTest, ReportsTheSameForAnyNumberOfThreads) {
  ScanRequest request;
  request.target.fill(0xff);
  request.target[0] = request.target[1] = 0;  // one nonce in 65,536
  request.nonce_last = 1u << 20;
  request.nonces_max = 5;
  const auto one = SoftwareScanner(1).scan(request);
  const auto four = SoftwareScanner(4).scan(request);
  ASSERT_TRUE(one && four);
  EXPECT_EQ(one->nonces.size(), 5u);
  EXPECT_EQ(one->nonces, four->nonces);
  EXPECT_EQ(one->nonce_last_covered, one->nonces.back());
  EXPECT_EQ(one->nonce_last_covered, four->nonce_last_covered);
}

TEST(SoftwareEngineTest, NamesTheLimitThatACallExceeds) {
  SoftwareDigestEngine engine;
  if (engine.info().message_bytes_max >= SIZE_MAX) {
    GTEST_SKIP() << "no message of this machine's address space exceeds the limit";
  }
  const std::uint8_t byte = 0;
  // Only the size of the message is read before it is refused.
  const Message huge(&byte, static_cast<std::size_t>(engine.info().message_bytes_max + 1));
  Digest digest;
  const auto report = engine.digest({&huge, 1}, {&digest, 1});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace calx::hash
