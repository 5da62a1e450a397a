// Goal: any mixture of slow, dead and lying devices yields an honest share with its true origin, or
// an error that names them.
// Method: fault. Devices that search in software with one fault each; shares are checked against
// the job as the caller gave it.
#include "calx/signal/device_pool.h"

#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "calx/signal/test_runner.h"

namespace calx::signal {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

work::Job job_of(std::uint8_t number, std::uint32_t bits = 10) {
  hash::Digest payload{};
  payload[0] = number;
  return work::template_job(payload, *work::Target::from_work_bits(bits));
}

Policy policy(std::string_view name, milliseconds timeout = std::chrono::seconds(30)) {
  Policy policy = *find_policy(name);
  policy.attempt_timeout = timeout;
  return policy;
}

work::Deadline after(milliseconds wait) { return std::chrono::steady_clock::now() + wait; }

void expect_holds(const work::Job& job, const Result<work::FoundShare>& found, Origin origin) {
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(work::check_share(job, found->share).verdict, work::ShareVerdict::kAccepted);
  EXPECT_EQ(found->origin, origin);
}

TEST(LaneTest, AShareOfALaneIsTheSameHeaderAsAShareOfTheWholeJob) {
  const work::Job job = job_of(1);
  std::set<hash::Digest> roots;
  for (const std::uint32_t lane : {1u, 2u, 0x01020304u}) {
    const auto split = lane_job(job, lane);
    ASSERT_TRUE(split) << split.error().message;
    ASSERT_TRUE(work::check(*split));
    const auto found = work::software_runner().run(*split, {});
    ASSERT_TRUE(found);
    const auto in_lane = work::check_share(*split, found->share);
    const auto whole = work::check_share(job, share_of_lane(found->share, lane));
    EXPECT_EQ(whole.verdict, work::ShareVerdict::kAccepted);
    EXPECT_EQ(whole.hash, in_lane.hash);
    EXPECT_TRUE(roots.insert(whole.header.merkle_root).second) << "lanes overlap";
  }
}

TEST(LaneTest, AJobWithoutRoomForLanesIsRefused) {
  work::Job job = job_of(1);
  job.extranonce2_bytes = 4;
  EXPECT_EQ(lane_job(job, 1).error().code, ErrorCode::kInvalidArgument);
}

TEST(DevicePoolTest, AHonestDeviceGivesItsOwnOriginThoughSoftwareStandsBehind) {
  TestRunner device;
  DevicePool pool(policy("training"), &work::software_runner());
  ASSERT_TRUE(pool.add("lv06", device));
  const work::Job job = job_of(2);
  expect_holds(job, pool.run(job, {}), Origin::kEmulated);
  EXPECT_EQ(pool.health()[0].shares, 1u);
}

TEST(DevicePoolTest, FailsOverToTheNextDeviceAndThenToSoftware) {
  TestRunner dead(Conduct::kDead), alive;
  DevicePool pool(policy("training"), &work::software_runner());
  ASSERT_TRUE(pool.add("dead", dead));
  ASSERT_TRUE(pool.add("alive", alive));
  const work::Job job = job_of(3);
  expect_holds(job, pool.run(job, {}), Origin::kEmulated);
  alive.behave(Conduct::kDead);
  const auto found = pool.run(job, {});
  expect_holds(job, found, Origin::kSoftware);
  EXPECT_EQ(found->share, work::software_runner().run(job, {})->share)
      << "the software template's lowest share";
}

TEST(DevicePoolTest, APolicyThatForbidsSoftwareFailsAndNamesEachDevice) {
  TestRunner one(Conduct::kDead, Origin::kDevice), two(Conduct::kDead, Origin::kDevice);
  DevicePool pool(policy("clinical"), &work::software_runner());
  ASSERT_TRUE(pool.add("s9", one));
  ASSERT_TRUE(pool.add("gamma", two));
  const auto found = pool.run(job_of(4), {});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(found.error().message, HasSubstr("s9: the wire is cut"));
  EXPECT_THAT(found.error().message, HasSubstr("gamma: the wire is cut"));
}

TEST(DevicePoolTest, AnOriginBelowThePolicysIsNotAsked) {
  TestRunner emulated;
  DevicePool pool(policy("clinical"), &work::software_runner());
  ASSERT_TRUE(pool.add("emulated", emulated));
  EXPECT_EQ(pool.run(job_of(5), {}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(emulated.runs(), 0);
}

TEST(DevicePoolTest, ALiarIsNamedAndNeverAskedAgainUntilForgiven) {
  for (const Conduct lie : {Conduct::kWrongNonce, Conduct::kOtherJob, Conduct::kAdmitsDataLoss}) {
    TestRunner liar(lie), honest;
    DevicePool pool(policy("validation"));
    ASSERT_TRUE(pool.add("liar", liar));
    const work::Job job = job_of(6);
    const auto found = pool.run(job, {});
    ASSERT_FALSE(found) << static_cast<int>(lie);
    EXPECT_EQ(found.error().code, ErrorCode::kDataLoss) << found.error().message;
    EXPECT_THAT(found.error().message, HasSubstr("liar: "));
    ASSERT_TRUE(pool.add("honest", honest));
    for (int i = 0; i < 5; ++i) expect_holds(job, pool.run(job, {}), Origin::kEmulated);
    EXPECT_EQ(liar.runs(), 1);
    EXPECT_EQ(pool.health()[0].state, BreakerState::kLocked);
    EXPECT_EQ(pool.health()[0].lies, 1u);
    ASSERT_TRUE(pool.reset("liar"));
    liar.behave(Conduct::kHonest);
    expect_holds(job, pool.run(job, {}), Origin::kEmulated);
    EXPECT_EQ(liar.runs(), 2) << "it waited longest";
  }
}

TEST(DevicePoolTest, ASilentDeviceIsLeftAfterItsTime) {
  TestRunner silent(Conduct::kSilent), alive;
  DevicePool pool(policy("training", std::chrono::seconds(1)));
  ASSERT_TRUE(pool.add("silent", silent));
  ASSERT_TRUE(pool.add("alive", alive));
  const work::Job job = job_of(7);
  expect_holds(job, pool.run(job, {}), Origin::kEmulated);
  EXPECT_EQ(pool.health()[0].failures, 1u);
}

TEST(DevicePoolTest, OfTwoLanesTheFirstShareWinsAndTheOtherIsNotBlamed) {
  TestRunner silent(Conduct::kSilent, Origin::kDevice), quick(Conduct::kHonest, Origin::kDevice);
  DevicePool pool(policy("clinical"));
  ASSERT_TRUE(pool.add("silent", silent));
  ASSERT_TRUE(pool.add("quick", quick));
  const work::Job job = job_of(8);
  expect_holds(job, pool.run(job, {}), Origin::kDevice);
  EXPECT_EQ(silent.runs(), 1);
  EXPECT_EQ(pool.health()[0].failures, 0u);
}

TEST(DevicePoolTest, ADeviceForWholeJobsGetsTheJobAsItIsAndOnlyOneOfThemAtATime) {
  TestRunner silent(Conduct::kSilent, Origin::kDevice), quick(Conduct::kHonest, Origin::kDevice);
  DevicePool pool(policy("clinical", std::chrono::seconds(1)));
  ASSERT_TRUE(pool.add("silent", silent, DeviceJobs::kWhole));
  ASSERT_TRUE(pool.add("quick", quick, DeviceJobs::kWhole));
  const work::Job job = job_of(8);
  const auto found = pool.run(job, {});
  expect_holds(job, found, Origin::kDevice);
  EXPECT_EQ(found->share, work::software_runner().run(job, {})->share) << "nothing was moved";
  EXPECT_EQ(pool.health()[0].failures, 1u) << "the second waited for the first";
}

TEST(DevicePoolTest, TheCallersStopAndDeadlineEndTheSearch) {
  TestRunner silent(Conduct::kSilent);
  DevicePool pool(policy("training"), &work::software_runner());
  ASSERT_TRUE(pool.add("silent", silent));
  work::Job job = job_of(9);
  std::stop_source stop;
  std::jthread stopper([&stop] {
    std::this_thread::sleep_for(milliseconds(20));
    stop.request_stop();
  });
  EXPECT_EQ(pool.run(job, stop.get_token()).error().code, ErrorCode::kCancelled);
  job.deadline = after(milliseconds(20));
  EXPECT_EQ(pool.run(job, {}).error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(pool.health()[0].failures, 0u) << "the caller was hasty, not the device slow";
}

TEST(DevicePoolTest, ManyCallersShareTheDevicesAndEachDeviceHasOneRunAtATime) {
  std::array<TestRunner, 3> devices;
  DevicePool pool(policy("validation"));
  for (std::size_t i = 0; i < devices.size(); ++i) {
    ASSERT_TRUE(pool.add("device " + std::to_string(i), devices[i]));
  }
  std::atomic<int> held = 0;
  {
    std::vector<std::jthread> callers;
    for (std::uint8_t caller = 0; caller < 6; ++caller) {
      callers.emplace_back([&, caller] {
        for (int i = 0; i < 10; ++i) {
          const work::Job job = job_of(caller);
          const auto found = pool.run(job, {});
          if (found &&
              work::check_share(job, found->share).verdict == work::ShareVerdict::kAccepted) {
            ++held;
          }
        }
      });
    }
  }
  EXPECT_EQ(held, 60);
  int runs = 0;
  for (const TestRunner& device : devices) {
    EXPECT_FALSE(device.overlapped());
    EXPECT_GE(device.runs(), 5) << "starved";
    runs += device.runs();
  }
  EXPECT_EQ(runs, 60);
}

TEST(DevicePoolTest, HeatTakesADeviceOutOfUse) {
  TestRunner device;
  DevicePool pool(policy("validation"));
  ASSERT_TRUE(pool.add("s9", device));
  ASSERT_TRUE(pool.report_celsius("s9", 105));
  EXPECT_EQ(pool.run(job_of(1), {}).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(device.runs(), 0);
  EXPECT_EQ(pool.report_celsius("s8", 1).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(pool.add("s9", device).error().code, ErrorCode::kInvalidArgument);
}

TEST(DevicePoolTest, TheCachedPolicyStartsNothing) {
  DevicePool pool(policy("cached"), &work::software_runner());
  EXPECT_EQ(pool.run(job_of(1), {}).error().code, ErrorCode::kUnimplemented);
  EXPECT_EQ(find_policy("guess").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::signal
