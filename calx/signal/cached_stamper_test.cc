// Goal: each policy asks the cache as its row says, and no answer is weaker than the policy wants.
// Method: law and fault. A runner that counts its searches; a cache in a folder of its own.
#include "calx/signal/cached_stamper.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "calx/signal/cache.h"
#include "calx/signal/test_runner.h"

namespace calx::signal {
namespace {

namespace fs = std::filesystem;

const work::Target kTarget = *work::Target::from_work_bits(4);

class CachedStamperTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("calx_cached_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    auto cache = Cache::open({.folder = folder_});
    if (!cache) {
      ASSERT_EQ(cache.error().code, ErrorCode::kUnimplemented) << cache.error().message;
      GTEST_SKIP() << cache.error().message;
    }
    cache_ = std::move(*cache);
  }
  void TearDown() override {
    cache_.reset();
    fs::remove_all(folder_);
  }

  Result<StampedRequest> ask(TestRunner& runner, std::string_view policy) {
    work::RunnerStamper searcher(runner);
    CachedStamper stamper(&searcher, cache_.get(), *find_policy(policy));
    return stamper.stamp(commitment_, kTarget, work::Deadline::max(), {});
  }

  fs::path folder_;
  std::unique_ptr<Cache> cache_;
  hash::Digest commitment_ = {5};
};

TEST_F(CachedStamperTest, TrainingSearchesOnceForTheSameRequest) {
  TestRunner runner;
  const auto first = ask(runner, "training"), second = ask(runner, "training");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(runner.runs(), 1);
  EXPECT_EQ(*first->stamp, *second->stamp);
  EXPECT_EQ(second->stamp->origin, Origin::kEmulated);
  commitment_[0] = 6;
  ASSERT_TRUE(ask(runner, "training"));
  EXPECT_EQ(runner.runs(), 2);
}

TEST_F(CachedStamperTest, ValidationAndClinicalNeitherReadNorWrite) {
  TestRunner device(Conduct::kHonest, Origin::kDevice);
  ASSERT_TRUE(ask(device, "clinical"));
  ASSERT_TRUE(ask(device, "validation"));
  EXPECT_EQ(cache_->counts()->entries, 0U);
  ASSERT_TRUE(ask(device, "training"));
  ASSERT_TRUE(ask(device, "clinical"));
  EXPECT_EQ(device.runs(), 4);
}

TEST_F(CachedStamperTest, CachedStartsNothing) {
  TestRunner runner;
  const auto missed = ask(runner, "cached");
  ASSERT_FALSE(missed);
  EXPECT_EQ(missed.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(runner.runs(), 0);
  ASSERT_TRUE(ask(runner, "training"));
  EXPECT_TRUE(ask(runner, "cached"));
  EXPECT_EQ(runner.runs(), 1);
}

TEST_F(CachedStamperTest, AnswerOfAnEarlierOriginThanWantedDoesNotServe) {
  TestRunner emulated, software(Conduct::kHonest, Origin::kSoftware);
  ASSERT_TRUE(ask(emulated, "training"));
  const auto strict = ask(software, "software");
  ASSERT_TRUE(strict);
  EXPECT_EQ(strict->stamp->origin, Origin::kSoftware);
  EXPECT_EQ(software.runs(), 1);
  EXPECT_EQ(ask(emulated, "clinical").error().code, ErrorCode::kUnavailable);
}

TEST_F(CachedStamperTest, FailedSearchLeavesNothing) {
  TestRunner dead(Conduct::kDead);
  EXPECT_EQ(ask(dead, "training").error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(cache_->counts()->entries, 0U);
}

}  // namespace
}  // namespace calx::signal
