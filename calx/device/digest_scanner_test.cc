// Goal: a machine that hashes messages searches nonces as software does, and cannot pass a false
// one. Method: parity with the software scanner on the same headers; faults: an engine that claims
// hits that are none, one that fails, a stop and a time limit.
#include "calx/device/digest_scanner.h"

#include <gtest/gtest.h>

#include "calx/hash/sha256.h"
#include "calx/hash/software_engine.h"

namespace calx::device {
namespace {

hash::ScanRequest request_of(std::uint8_t number, unsigned bits) {
  hash::ScanRequest request;
  request.header[0] = number;
  request.target.fill(0xff);
  for (unsigned bit = 0; bit < bits; ++bit) {
    request.target[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> bit % 8));
  }
  request.nonce_last = 40'000;
  return request;
}

// Hashes in software and then does something wrong.
class FaultyEngine final : public hash::DigestEngine {
 public:
  enum class Fault { kNone, kLies, kGone };
  explicit FaultyEngine(Fault fault) : fault_(fault) {
    info_ = {
        .name = "faulty", .origin = Origin::kDevice, .batch_max = 100, .message_bytes_max = 80};
  }
  [[nodiscard]] const hash::EngineInfo& info() const noexcept override { return info_; }
  Result<hash::DigestReport> digest(std::span<const hash::Message> messages,
                                    std::span<hash::Digest> digests, std::stop_token) override {
    if (fault_ == Fault::kGone) return fail(ErrorCode::kUnavailable, "the wire is cut");
    if (messages.size() > info_.batch_max) return fail(ErrorCode::kResourceExhausted, "too many");
    hash::sha256_many(messages, digests);
    if (fault_ == Fault::kLies && messages.front().size() == 32) digests.front() = {};
    return hash::DigestReport{.origin = Origin::kEmulated};
  }

 private:
  Fault fault_;
  hash::EngineInfo info_;
};

TEST(DigestScannerTest, FindsTheNoncesThatSoftwareFinds) {
  hash::SoftwareDigestEngine engine;
  DigestScanner scanner(engine);
  for (std::uint8_t number = 0; number < 4; ++number) {
    auto request = request_of(number, 10);
    request.nonces_max = number == 3 ? 4096 : 3;
    const auto found = scanner.scan(request, {});
    const auto wanted = hash::SoftwareScanner().scan(request, {});
    ASSERT_TRUE(found && wanted);
    EXPECT_FALSE(found->nonces.empty());
    EXPECT_EQ(found->nonces, wanted->nonces);
    EXPECT_EQ(found->nonce_last_covered, wanted->nonce_last_covered);
    EXPECT_EQ(found->origin, Origin::kSoftware);
  }
}

TEST(DigestScannerTest, TheLastNonceOfAllIsTried) {
  hash::SoftwareDigestEngine engine;
  auto request = request_of(1, 0);
  request.nonce_first = request.nonce_last = 0xffffffff;
  const auto found = DigestScanner(engine).scan(request, {});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->nonces, std::vector<std::uint32_t>{0xffffffff});
}

TEST(DigestScannerTest, AFalseHitIsRejectedAndTheOriginIsTheEarlierOne) {
  FaultyEngine engine(FaultyEngine::Fault::kLies);
  auto request = request_of(2, 30);
  request.nonce_last = 999;
  const auto found = DigestScanner(engine).scan(request, {});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(found->nonces.empty());
  EXPECT_EQ(found->rejected, 10u) << "one lie in each batch of 100";
  EXPECT_EQ(found->origin, Origin::kEmulated);
}

TEST(DigestScannerTest, FaultsAndLimitsAreToldApart) {
  FaultyEngine gone(FaultyEngine::Fault::kGone);
  EXPECT_EQ(DigestScanner(gone).scan(request_of(1, 8), {}).error().code, ErrorCode::kUnavailable);
  FaultyEngine honest(FaultyEngine::Fault::kNone);
  DigestScanner scanner(honest);
  auto request = request_of(1, 60);
  request.nonces_max = 0;
  EXPECT_EQ(scanner.scan(request, {}).error().code, ErrorCode::kInvalidArgument);
  request.nonces_max = 1;
  request.timeout = std::chrono::milliseconds(0);
  EXPECT_EQ(scanner.scan(request, {})->nonce_last_covered, std::nullopt);
  std::stop_source source;
  source.request_stop();
  request.timeout = std::chrono::hours(1);
  EXPECT_EQ(scanner.scan(request, source.get_token())->hashes_claimed, 0u);
}

}  // namespace
}  // namespace calx::device
