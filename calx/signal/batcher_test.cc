// Goal: requests share stamps, each exactly once, and nothing that a runner or a caller does leaves
// one waiting for ever.
// Method: law and fault. Stamps are checked again from the commitment, the path and the stamp
// alone.
#include "calx/signal/batcher.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "calx/signal/cache.h"
#include "calx/signal/journal.h"
#include "calx/signal/test_runner.h"

namespace calx::signal {
namespace {

using std::chrono::milliseconds;

BatchRequest request(std::uint32_t number) {
  BatchRequest request;
  for (std::size_t i = 0; i < 4; ++i) request.id[i] = static_cast<std::uint8_t>(number >> 8 * i);
  request.commitment = request.id;
  request.commitment[31] = 0xc0;
  return request;
}

std::vector<BatchRequest> requests(std::uint32_t count) {
  std::vector<BatchRequest> list;
  for (std::uint32_t i = 0; i < count; ++i) list.push_back(request(i));
  return list;
}

BatcherOptions easy(milliseconds window = milliseconds(5)) {
  return {.target = *work::Target::from_work_bits(8), .window = window};
}

void expect_holds(const hash::Digest& commitment, const Result<StampedRequest>& stamped) {
  ASSERT_TRUE(stamped) << stamped.error().message;
  ASSERT_TRUE(work::check(*stamped->stamp));
  const auto root = work::root_of(commitment, stamped->path, stamped->stamp->leaves);
  ASSERT_TRUE(root) << root.error().message;
  EXPECT_EQ(*root, stamped->stamp->root);
}

ErrorCode code_of(const Result<StampedRequest>& result) {
  return result ? ErrorCode::kInternal : result.error().code;
}

TEST(BatcherTest, RequestsThatArriveTogetherShareOneStamp) {
  TestRunner runner;
  Batcher batcher(runner, easy());
  const auto tickets = batcher.submit(requests(300));
  ASSERT_TRUE(tickets);
  std::set<const work::Stamp*> stamps;
  std::set<std::uint32_t> places;
  for (std::uint32_t i = 0; i < 300; ++i) {
    const auto stamped = (*tickets)[i].wait();
    expect_holds(request(i).commitment, stamped);
    stamps.insert(stamped->stamp.get());
    places.insert(stamped->path.index);
    EXPECT_EQ(stamped->stamp->origin, Origin::kEmulated);
  }
  EXPECT_EQ(stamps.size(), 1u);
  EXPECT_EQ(places.size(), 300u);
  EXPECT_EQ(runner.runs(), 1);
}

TEST(BatcherTest, ABatchClosesAtItsCountOrItsBytesBeforeItsWindow) {
  TestRunner runner;
  auto options = easy(std::chrono::hours(1));
  options.requests_max = 10;
  options.bytes_max = 1000;
  Batcher batcher(runner, options);
  auto list = requests(30);
  for (std::uint32_t i = 20; i < 30; ++i) list[i].bytes = 500;
  const auto tickets = batcher.submit(list);
  ASSERT_TRUE(tickets);
  for (std::uint32_t i = 0; i < 30; ++i) expect_holds(list[i].commitment, (*tickets)[i].wait());
  EXPECT_EQ((*tickets)[0].wait()->stamp->leaves, 10u);
  EXPECT_EQ((*tickets)[25].wait()->stamp->leaves, 2u);
}

TEST(BatcherTest, AnIdIsStampedOnceHoweverOftenItComes) {
  TestRunner runner;
  Batcher batcher(runner, easy());
  const auto twice = batcher.submit(std::vector{request(1), request(1)});
  ASSERT_TRUE(twice);
  const auto first = (*twice)[0].wait(), second = (*twice)[1].wait();
  expect_holds(request(1).commitment, first);
  EXPECT_EQ(first->stamp, second->stamp);
  EXPECT_EQ(first->stamp->leaves, 1u);
  const auto late = batcher.submit(request(1));
  ASSERT_TRUE(late);
  EXPECT_EQ(late->wait()->stamp, first->stamp);
  EXPECT_EQ(runner.runs(), 1);
  auto other = request(1);
  other.commitment[5] ^= 1;
  EXPECT_EQ(batcher.submit(other).error().code, ErrorCode::kInvalidArgument);
}

TEST(BatcherTest, AFullQueueRefusesAndTakesNothingOfWhatItRefused) {
  TestRunner runner;
  runner.close();
  auto options = easy(milliseconds(0));
  options.requests_max = 1;
  options.queued_max = 2;
  Batcher batcher(runner, options);
  const auto flying = batcher.submit(request(0));
  ASSERT_TRUE(flying);
  while (runner.runs() == 0) std::this_thread::yield();
  ASSERT_TRUE(batcher.submit(request(1)));
  EXPECT_EQ(batcher.submit(std::vector{request(2), request(3)}).error().code,
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(batcher.counts().queued, 1u);
  const auto fits = batcher.submit(request(2));
  ASSERT_TRUE(fits);
  runner.open();
  expect_holds(request(2).commitment, fits->wait());
}

TEST(BatcherTest, ADeadlineEndsTheWaitWhileTheRunnerIsBusyWithOthers) {
  TestRunner runner;
  runner.close();
  Batcher batcher(runner, easy(milliseconds(0)));
  const auto flying = batcher.submit(request(0));
  while (runner.runs() == 0) std::this_thread::yield();
  auto hasty = request(1);
  hasty.deadline = std::chrono::steady_clock::now() + milliseconds(20);
  const auto ticket = batcher.submit(hasty);
  ASSERT_TRUE(ticket);
  EXPECT_EQ(code_of(ticket->wait()), ErrorCode::kDeadlineExceeded);
  runner.open();
  expect_holds(request(0).commitment, flying->wait());
  hasty.deadline = std::chrono::steady_clock::now();
  hasty.id[9] = 1;
  EXPECT_EQ(batcher.submit(hasty).error().code, ErrorCode::kDeadlineExceeded);
}

TEST(BatcherTest, CancellingTheLastRequestOfABatchStopsItsSearch) {
  TestRunner runner;
  runner.close();
  Batcher batcher(runner, easy());
  const auto tickets = batcher.submit(requests(2));
  ASSERT_TRUE(tickets);
  while (runner.runs() == 0) std::this_thread::yield();
  (*tickets)[0].cancel();
  EXPECT_EQ(code_of((*tickets)[0].wait()), ErrorCode::kCancelled);
  EXPECT_EQ(batcher.counts().in_flight, 2u);
  (*tickets)[1].cancel();
  while (batcher.counts().in_flight != 0) std::this_thread::yield();
  EXPECT_EQ(batcher.counts().cancelled, 2u);
  runner.open();
  const auto again = batcher.submit(request(5));
  expect_holds(request(5).commitment, again->wait());
}

TEST(BatcherTest, ACancelledRequestThatStillWaitsIsLeftOutOfTheTree) {
  TestRunner runner;
  Batcher batcher(runner, easy(milliseconds(200)));
  const auto tickets = batcher.submit(requests(3));
  (*tickets)[1].cancel();
  EXPECT_EQ((*tickets)[2].wait()->stamp->leaves, 2u);
  const auto again = batcher.submit(request(1));
  expect_holds(request(1).commitment, again->wait());
}

TEST(BatcherTest, AFailedStampTellsWhyAndLetsTheIdComeAgain) {
  TestRunner runner(Conduct::kDead);
  Batcher batcher(runner, easy());
  const auto lost = batcher.submit(request(1));
  EXPECT_EQ(code_of(lost->wait()), ErrorCode::kUnavailable);
  runner.behave(Conduct::kHonest);
  const auto again = batcher.submit(request(1));
  ASSERT_TRUE(again);
  expect_holds(request(1).commitment, again->wait());
}

TEST(BatcherTest, AShareThatDoesNotHoldNeverBecomesAStamp) {
  TestRunner runner(Conduct::kWrongNonce);
  Batcher batcher(runner, easy());
  EXPECT_FALSE(batcher.submit(request(1))->wait());
}

TEST(BatcherTest, TheEndOfTheBatcherAndAStopOfTheWaitAreAnswers) {
  TestRunner runner;
  runner.close();
  auto batcher = std::make_unique<Batcher>(runner, easy());
  const auto ticket = batcher->submit(request(1));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of(ticket->wait(stop.get_token())), ErrorCode::kCancelled);
  batcher.reset();
  EXPECT_EQ(code_of(ticket->wait()), ErrorCode::kUnavailable);
}

TEST(BatcherTest, WhatTheJournalHoldsIsDoneByTheNextBatcherAndNeverTwice) {
  const auto path = std::filesystem::path(testing::TempDir()) /
                    ("calx_batcher_test_" + std::to_string(::getpid()) + ".journal");
  std::filesystem::remove(path);
  TestRunner runner;
  {
    auto journal = Journal::open(path);
    ASSERT_TRUE(journal) << journal.error().message;
    auto options = easy();
    options.journal = journal->get();
    runner.behave(Conduct::kDead);
    Batcher batcher(runner, options);
    const auto tickets = batcher.submit(requests(20));
    ASSERT_TRUE(tickets) << tickets.error().message;
    EXPECT_EQ(code_of((*tickets)[0].wait()), ErrorCode::kUnavailable);
  }
  runner.behave(Conduct::kHonest);
  hash::Digest stamp_hash{};
  for (int life = 0; life < 2; ++life) {
    auto journal = Journal::open(path);
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_EQ((*journal)->recovery().stamped, life == 0 ? 0u : 20u);
    auto options = easy();
    options.journal = journal->get();
    const int runs = runner.runs();
    Batcher batcher(runner, options);
    const auto tickets = batcher.submit(requests(20));
    ASSERT_TRUE(tickets) << tickets.error().message;
    for (std::uint32_t i = 0; i < 20; ++i) {
      const auto stamped = (*tickets)[i].wait();
      expect_holds(request(i).commitment, stamped);
      if (life == 0) stamp_hash = stamped->stamp->hash;
      EXPECT_EQ(stamped->stamp->hash, stamp_hash);
    }
    EXPECT_EQ(runner.runs() - runs, life == 0 ? 1 : 0);
  }
  std::filesystem::remove(path);
}

// Needs a cache: skipped without LMDB.
class CachedBatcherTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("calx_cached_batcher_" + std::to_string(::getpid()));
    std::filesystem::remove_all(folder_);
    auto cache = Cache::open({.folder = folder_ / "cache"});
    if (!cache) {
      ASSERT_EQ(cache.error().code, ErrorCode::kUnimplemented) << cache.error().message;
      GTEST_SKIP() << cache.error().message;
    }
    cache_ = std::move(*cache);
  }
  void TearDown() override {
    cache_.reset();
    std::filesystem::remove_all(folder_);
  }
  BatcherOptions options(CacheUse use = CacheUse::kFirst, Journal* journal = nullptr) {
    auto options = easy();
    options.journal = journal, options.cache = cache_.get(), options.cache_use = use;
    return options;
  }
  // The cache is told after the answers are delivered, at the latest when the batcher ends.
  std::vector<StampedRequest> fill(TestRunner& runner, std::uint32_t count) {
    Batcher batcher(runner, options());
    std::vector<StampedRequest> answers;
    const auto tickets = batcher.submit(requests(count));
    for (const Ticket& ticket : *tickets) {
      answers.push_back(*ticket.wait());
    }
    return answers;
  }

  std::filesystem::path folder_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(CachedBatcherTest, AnswersTheSameRequestUnderAnotherIdWithoutASearch) {
  TestRunner runner;
  const auto before = fill(runner, 5);
  Batcher batcher(runner, options());
  auto wanted = requests(6);  // the last one is new
  for (auto& one : wanted) one.id[20] = 1;
  const auto tickets = batcher.submit(wanted);
  ASSERT_TRUE(tickets);
  for (std::uint32_t i = 0; i < 5; ++i) {
    ASSERT_TRUE((*tickets)[i].ready()) << i;
    EXPECT_EQ(*(*tickets)[i].wait()->stamp, *before[i].stamp);
    expect_holds(wanted[i].commitment, (*tickets)[i].wait());
  }
  expect_holds(wanted[5].commitment, (*tickets)[5].wait());
  EXPECT_EQ(runner.runs(), 2);
  EXPECT_EQ(batcher.counts().cached, 5U);
  EXPECT_EQ(batcher.counts().stamps, 1U);
}

TEST_F(CachedBatcherTest, CacheAloneAnswersOrRefusesAndStartsNothing) {
  TestRunner runner;
  fill(runner, 3);
  Batcher batcher(runner, options(CacheUse::kOnly));
  const auto missed = batcher.submit(requests(4));
  ASSERT_FALSE(missed);
  EXPECT_EQ(missed.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(batcher.submit(requests(3)));
  EXPECT_EQ(runner.runs(), 1);
}

TEST_F(CachedBatcherTest, NeverNeitherReadsNorWrites) {
  TestRunner runner;
  fill(runner, 2);
  {
    Batcher batcher(runner, options(CacheUse::kNever));
    const auto tickets = batcher.submit(requests(3));
    for (const Ticket& ticket : *tickets) ASSERT_TRUE(ticket.wait());
  }
  EXPECT_EQ(runner.runs(), 2);
  EXPECT_EQ(cache_->counts()->entries, 2U);
}

TEST_F(CachedBatcherTest, AnswerFromTheCacheStandsInTheJournalBeforeItIsGiven) {
  TestRunner runner;
  const auto before = fill(runner, 4);
  const auto path = folder_ / "journal";
  auto again = request(2);
  again.id[20] = 9;
  {
    const auto journal = Journal::open(path);
    Batcher batcher(runner, options(CacheUse::kFirst, journal->get()));
    ASSERT_TRUE(batcher.submit(again));
  }
  ASSERT_TRUE(cache_->prune(0));
  const auto journal = Journal::open(path);
  ASSERT_TRUE(journal) << journal.error().message;
  EXPECT_EQ((*journal)->recovery().accepted, 1U);
  EXPECT_EQ((*journal)->recovery().stamped, 1U);
  Batcher batcher(runner, options(CacheUse::kFirst, journal->get()));
  const auto stamped = batcher.submit(again)->wait();
  expect_holds(again.commitment, stamped);
  EXPECT_EQ(*stamped->stamp, *before[2].stamp);
  EXPECT_EQ(stamped->path, before[2].path);
  EXPECT_EQ(runner.runs(), 1);
}

}  // namespace
}  // namespace calx::signal
