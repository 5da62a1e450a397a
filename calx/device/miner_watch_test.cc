// Goal: heat, errors, idleness and silence of a miner are seen, spikes are not believed, and a hot
// miner is paused if and only if its owner said so.
// Method: laws of MinerRecord over made-up telemetry and times; the loop against scripted devices
// that count what they are asked.
#include "calx/device/miner_watch.h"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>

#include "calx/device/scripted_server.h"

namespace calx::device {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

const MinerRecord::Time kStart{};
const WatchedMiner kMiner{.name = "a", .address = {"127.0.0.1", 80}};

Telemetry working(double accepted) {
  return {.ghs = 500, .celsius = 60, .accepted = accepted, .rejected = 0, .pool_difficulty = 512};
}

TEST(MinerRecordTest, ASpikeIsNoRate) {
  MinerRecord record(kMiner, {});
  Telemetry spike = working(1);
  spike.ghs = 200'000;
  static_cast<void>(record.take(working(1), kStart));
  static_cast<void>(record.take(working(1), kStart));
  EXPECT_EQ(record.take(spike, kStart).ghs_median, 500);
  EXPECT_EQ(record.take(spike, kStart).ghs_median, 500);
  EXPECT_EQ(record.take(spike, kStart).ghs_median, 200'000) << "three of five are no spike";
}

TEST(MinerRecordTest, SilenceIsJudgedByTheMeanWait) {
  // 512 * 2^32 / 500e9 = 4.4 s; 20 of them are 88 s, and silence_min is 120 s.
  MinerRecord record(kMiner, {});
  EXPECT_FALSE(record.take(working(5), kStart).has(Concern::kSilent));
  EXPECT_FALSE(record.take(working(5), kStart + seconds(120)).has(Concern::kSilent));
  const auto silent = record.take(working(5), kStart + seconds(121));
  ASSERT_TRUE(silent.has(Concern::kSilent));
  EXPECT_EQ(silent.share_age, seconds(121));
  EXPECT_THAT(silent.concerns[0].second, HasSubstr("says 500 GH/s"));
  EXPECT_TRUE(record.take(working(6), kStart + seconds(130)).concerns.empty()) << "a share came";
  Telemetry hard = working(6);  // 4,398 s a share: 20 of them are a day
  hard.pool_difficulty = 512e3;
  EXPECT_FALSE(record.take(hard, kStart + seconds(80'000)).has(Concern::kSilent));
  EXPECT_TRUE(record.take(hard, kStart + seconds(90'000)).has(Concern::kSilent));
  EXPECT_TRUE(record.take(working(1), kStart + seconds(90'001)).concerns.empty()) << "restarted";
  Telemetry paused = working(1);
  paused.paused = true;
  EXPECT_TRUE(record.take(paused, kStart + seconds(99'000)).concerns.empty());
}

TEST(MinerRecordTest, WithoutDifficultyTheLongestSilenceCounts) {
  MinerRecord record(kMiner, {});
  Telemetry bare{.ghs = 500, .accepted = 1};
  static_cast<void>(record.take(bare, kStart));
  EXPECT_FALSE(record.take(bare, kStart + seconds(600)).has(Concern::kSilent));
  EXPECT_TRUE(record.take(bare, kStart + seconds(601)).has(Concern::kSilent));
}

TEST(MinerRecordTest, HeatErrorsIdlenessAndAbsenceAreNamed) {
  MinerRecord record(kMiner, {});
  Telemetry bad = working(1);
  bad.celsius = 70.5, bad.error_percent = 11;
  auto report = record.take(bad, kStart);
  EXPECT_TRUE(report.has(Concern::kHot));
  EXPECT_TRUE(report.has(Concern::kErrors));
  bad = working(9);
  bad.rejected = 5;
  EXPECT_TRUE(record.take(bad, kStart).concerns.empty()) << "too few to say";
  bad.accepted = 21;
  bad.rejected = 6;
  EXPECT_TRUE(record.take(bad, kStart).has(Concern::kErrors)) << "6 of 26";

  MinerRecord idle(kMiner, {});
  Telemetry nothing = working(1);
  nothing.ghs = 0;
  EXPECT_FALSE(idle.take(nothing, kStart).has(Concern::kIdle)) << "it may only begin";
  EXPECT_FALSE(idle.take(nothing, kStart).has(Concern::kIdle));
  EXPECT_TRUE(idle.take(nothing, kStart).has(Concern::kIdle));

  report = idle.take(fail(ErrorCode::kUnavailable, "gone"), kStart);
  ASSERT_EQ(report.concerns.size(), 1u);
  EXPECT_EQ(report.concerns[0], std::pair(Concern::kUnreachable, std::string("gone")));
  EXPECT_FALSE(report.telemetry);
}

class HotAxeos {
 public:
  HotAxeos()
      : server_([this](const std::string& request) {
          if (request.starts_with("POST /api/system/pause ")) ++pauses_;
          const std::string body = R"({"ASICModel":"BM1366","hashRate":500,"temp":99,)"
                                   R"("miningPaused":)" +
                                   std::string(pauses_ > 0 ? "true}" : "false}");
          return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                 body;
        }) {}
  [[nodiscard]] int pauses() const { return pauses_; }
  [[nodiscard]] std::size_t requests() const { return server_.requests().size(); }
  [[nodiscard]] const LanAddress& address() const { return server_.address(); }

 private:
  std::atomic<int> pauses_ = 0;
  ScriptedServer server_;
};

// Watches until so many reports came.
std::vector<WatchReport> reports_of(const LanAddress& address, bool pause, std::size_t wanted) {
  std::stop_source stop;
  std::vector<WatchReport> reports;
  const auto done = watch_miners(
      {{.name = "hot", .address = address}},
      {.every = kWatchEveryMin, .patience = milliseconds(500), .pause_when_hot = pause},
      [&](const WatchReport& report) {
        reports.push_back(report);
        if (reports.size() == wanted) stop.request_stop();
      },
      stop.get_token(), std::chrono::steady_clock::now() + seconds(60));
  EXPECT_TRUE(done);
  return reports;
}

TEST(MinerWatchTest, AHotMinerIsPausedOnceAndOnlyOnItsOwnersWord) {
  const HotAxeos left_alone, paused;
  for (const WatchReport& report : reports_of(left_alone.address(), false, 3)) {
    EXPECT_TRUE(report.has(Concern::kHot));
    EXPECT_EQ(report.action, "");
  }
  EXPECT_EQ(left_alone.pauses(), 0);
  EXPECT_EQ(left_alone.requests(), 3u) << "one request a look, nothing else";
  const auto reports = reports_of(paused.address(), true, 3);
  EXPECT_EQ(reports[0].action, "asked to pause");
  EXPECT_TRUE(reports[1].telemetry->paused);
  EXPECT_EQ(reports[1].action, "");
  EXPECT_EQ(paused.pauses(), 1);
}

TEST(MinerWatchTest, ACgminerIsFoundOutAndCannotBePaused) {
  const ScriptedServer server([](const std::string& request) {
    if (request.starts_with("GET")) return std::string(1, '\0');
    const std::string status = R"({"STATUS":[{"STATUS":"S"}],)";
    if (request.find("stats") != std::string::npos) {
      return status + R"("STATS":[{"temp1":90}]})" + '\0';
    }
    return status + R"("SUMMARY":[{"GHS 5s":13500,"Accepted":1}]})" + '\0';
  });
  const auto reports = reports_of(server.address(), true, 1);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].telemetry->api, MinerApi::kCgminer);
  EXPECT_TRUE(reports[0].has(Concern::kHot));
  EXPECT_THAT(reports[0].action, HasSubstr("no pause"));
}

TEST(MinerWatchTest, ItEndsAtItsDeadlineAndRefusesWrongOptions) {
  const HotAxeos device;
  std::size_t looks = 0;
  const auto past = std::chrono::steady_clock::now() - seconds(1);
  const WatchObserver count = [&looks](const WatchReport&) { ++looks; };
  EXPECT_TRUE(watch_miners({{.address = device.address()}}, {}, count, {}, past));
  EXPECT_EQ(looks, 0u);
  EXPECT_FALSE(watch_miners({}, {}, count, {}, past));
  EXPECT_FALSE(watch_miners({kMiner}, {.every = milliseconds(1)}, count, {}, past));
  EXPECT_FALSE(watch_miners(std::vector<WatchedMiner>(kWatchedMax + 1), {}, count, {}, past));
}

}  // namespace
}  // namespace calx::device
