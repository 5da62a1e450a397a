// Goal: a stamper's answer holds for the request that was asked, and two requests share nothing.
// Method: law. Small targets in software; root_of() and check() judge.
#include "calx/work/stamper.h"

#include <gtest/gtest.h>

#include "calx/work/scanner_job_runner.h"

namespace calx::work {
namespace {

TEST(StamperTest, AnswerHoldsForTheRequestAndEachHasASaltOfItsOwn) {
  RunnerStamper stamper(software_runner());
  hash::Digest commitment{};
  commitment.fill(7);
  const auto target = *Target::from_work_bits(8);
  const auto one = stamper.stamp(commitment, target, Deadline::max(), {});
  const auto two = stamper.stamp(commitment, target, Deadline::max(), {});
  ASSERT_TRUE(one && two);
  EXPECT_TRUE(check(*one->stamp));
  EXPECT_EQ(one->stamp->target, target);
  EXPECT_EQ(one->stamp->origin, Origin::kSoftware);
  EXPECT_EQ(*root_of(commitment, one->path, one->stamp->leaves), one->stamp->root);
  EXPECT_NE(one->path.salt, two->path.salt);
}

TEST(StamperTest, StopAndDeadlineEndTheSearch) {
  RunnerStamper stamper(software_runner());
  std::stop_source stop;
  stop.request_stop();
  const auto target = *Target::from_work_bits(60);
  EXPECT_EQ(stamper.stamp({}, target, Deadline::max(), stop.get_token()).error().code,
            ErrorCode::kCancelled);
  EXPECT_EQ(stamper.stamp({}, target, std::chrono::steady_clock::now(), {}).error().code,
            ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace calx::work
