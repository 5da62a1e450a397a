// What every engine must keep to, whatever computes behind it. A test file of an engine includes
// this and instantiates both suites with functions that make one.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "calx/hash/engine.h"
#include "calx/hash/sha256.h"

namespace calx::hash {

struct DigestEngineMaker {
  std::string name;
  std::function<std::unique_ptr<DigestEngine>()> make;
};

class DigestEngineContractTest : public testing::TestWithParam<DigestEngineMaker> {
 protected:
  std::unique_ptr<DigestEngine> engine_ = GetParam().make();
};

TEST_P(DigestEngineContractTest, HashesMessagesOfAnyLengthInTheirOrder) {
  std::vector<std::uint8_t> bytes(600);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i % 251);
  std::vector<Message> messages;
  for (std::size_t length = 0; length <= 300; ++length) {
    messages.push_back(std::span(bytes).subspan(300 - length, length));
  }
  std::vector<Digest> digests(messages.size());
  const auto report = engine_->digest(messages, digests);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->origin, engine_->info().origin);
  for (std::size_t i = 0; i < messages.size(); ++i) EXPECT_EQ(digests[i], sha256(messages[i]));
}

TEST_P(DigestEngineContractTest, RefusesRoomForAnotherNumberOfDigests) {
  const std::vector<Message> messages(2);
  std::vector<Digest> digests(3);
  EXPECT_EQ(engine_->digest(messages, digests).error().code, ErrorCode::kInvalidArgument);
}

TEST_P(DigestEngineContractTest, StopsWhenAsked) {
  std::stop_source stop;
  stop.request_stop();
  const std::vector<Message> messages(2);
  std::vector<Digest> digests(2);
  EXPECT_EQ(engine_->digest(messages, digests, stop.get_token()).error().code,
            ErrorCode::kCancelled);
}

struct HeaderScannerMaker {
  std::string name;
  std::function<std::unique_ptr<HeaderScanner>()> make;
};

class HeaderScannerContractTest : public testing::TestWithParam<HeaderScannerMaker> {
 protected:
  std::unique_ptr<HeaderScanner> scanner_ = GetParam().make();

  /// One nonce in 2^bits meets it.
  static ScanRequest request(unsigned bits) {
    ScanRequest request;
    for (std::size_t i = 0; i < 76; ++i) request.header[i] = static_cast<std::uint8_t>(i);
    request.target.fill(0xff);
    for (unsigned i = 0; i < bits; ++i) {
      request.target[i / 8] = static_cast<std::uint8_t>(request.target[i / 8] & ~(0x80 >> i % 8));
    }
    return request;
  }
};

TEST_P(HeaderScannerContractTest, ListsOnlyNoncesThatMeetTheTargetAscending) {
  ScanRequest request = HeaderScannerContractTest::request(12);
  request.nonce_last = 200000;
  request.nonces_max = 20;
  const auto report = scanner_->scan(request);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->origin, scanner_->info().origin);
  ASSERT_EQ(report->nonces.size(), 20u);
  for (std::size_t i = 0; i < report->nonces.size(); ++i) {
    if (i > 0) {
      EXPECT_LT(report->nonces[i - 1], report->nonces[i]);
    }
    EXPECT_TRUE(
        meets_target(sha256d(with_nonce(request.header, report->nonces[i])), request.target));
  }
}

TEST_P(HeaderScannerContractTest, MissesNothingInWhatItSaysItCovered) {
  ScanRequest request = HeaderScannerContractTest::request(10);
  request.nonce_first = 77, request.nonce_last = 40000;
  request.nonces_max = kScanNoncesMax;
  const auto report = scanner_->scan(request);
  ASSERT_TRUE(report) << report.error().message;
  if (!report->nonce_last_covered) GTEST_SKIP() << scanner_->info().name << " may skip nonces";
  EXPECT_EQ(*report->nonce_last_covered, request.nonce_last);
  std::vector<std::uint32_t> all;
  for (std::uint32_t nonce = 77; nonce <= 40000; ++nonce) {
    if (meets_target(sha256d(with_nonce(request.header, nonce)), request.target)) {
      all.push_back(nonce);
    }
  }
  EXPECT_EQ(report->nonces, all);
}

TEST_P(HeaderScannerContractTest, FindingNothingIsAnEmptyList) {
  ScanRequest request = HeaderScannerContractTest::request(0);
  request.target = {};
  request.nonce_last = 5000;
  const auto report = scanner_->scan(request);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->nonces.empty());
}

TEST_P(HeaderScannerContractTest, RefusesAnEmptyRangeAndAbsurdCounts) {
  ScanRequest request = HeaderScannerContractTest::request(0);
  request.nonce_first = 2, request.nonce_last = 1;
  EXPECT_EQ(scanner_->scan(request).error().code, ErrorCode::kInvalidArgument);
  request.nonce_last = 3;
  for (const std::size_t nonces_max : {std::size_t{0}, kScanNoncesMax + 1}) {
    request.nonces_max = nonces_max;
    EXPECT_EQ(scanner_->scan(request).error().code, ErrorCode::kInvalidArgument);
  }
}

TEST_P(HeaderScannerContractTest, SaysHowFarItCameWhenStoppedOrOutOfTime) {
  ScanRequest request = HeaderScannerContractTest::request(0);
  request.target = {};
  std::stop_source stop;
  stop.request_stop();
  auto report = scanner_->scan(request, stop.get_token());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_FALSE(report->nonce_last_covered);
  request.timeout = std::chrono::milliseconds(5);
  report = scanner_->scan(request);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report->nonces.empty());
  EXPECT_NE(report->nonce_last_covered, request.nonce_last);
}

inline void PrintTo(const DigestEngineMaker& maker, std::ostream* os) { *os << maker.name; }
inline void PrintTo(const HeaderScannerMaker& maker, std::ostream* os) { *os << maker.name; }

}  // namespace calx::hash
