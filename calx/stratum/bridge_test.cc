// Goal: over real sockets, jobs go out to all miners, the first share that meets a job comes back
// with its worker's origin, and no client, however broken, harms the others.
// Method: scripted clients on loopback, and threads that really search. Fault tests of each limit
// of the server; every wait is bounded by a deadline that a working server never comes near.
#include "calx/stratum/bridge.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "calx/stratum/example_test.h"
#include "calx/stratum/miner_test.h"
#include "calx/work/request_tree.h"
#include "calx/work/stamp.h"

namespace calx::stratum {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

BridgeOptions options() {
  BridgeOptions options;
  options.port = 0;
  options.workers = {{"asic", "1", Origin::kDevice},
                     {"cpu", "2", Origin::kEmulated},
                     {"toy", "3", Origin::kEmulated}};
  options.vardiff.log2_start = -16;
  return options;
}

work::Job job_with(std::uint8_t number, int log2_hashes, milliseconds time = seconds(60)) {
  work::Job job = work::template_job(
      hash::sha256(std::vector<std::uint8_t>{number}),
      work::Target::from_work_bits(static_cast<std::uint32_t>(log2_hashes)).value());
  job.deadline = std::chrono::steady_clock::now() + time;
  return job;
}

// Waits until `done` holds; false after a long time.
bool eventually(auto&& done) {
  for (int i = 0; i < 2000; ++i) {
    if (done()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

struct Events final : BridgeObserver {
  void on_event(const BridgeEvent& event) override {
    const std::lock_guard lock(mutex);
    all.push_back(event);
  }
  bool has(BridgeEvent::Kind kind, std::string_view reason = {}) {
    const std::lock_guard lock(mutex);
    return std::ranges::any_of(all, [&](const BridgeEvent& event) {
      return event.kind == kind && event.reason.find(reason) != std::string::npos;
    });
  }
  std::mutex mutex;
  std::vector<BridgeEvent> all;
};

TEST(BridgeTest, AnAddressOpenToOthersNeedsAWorker) {
  BridgeOptions open = options();
  open.host = "0.0.0.0";
  open.workers.clear();
  EXPECT_EQ(Bridge::start(open).error().code, ErrorCode::kInvalidArgument);
  open.host = "nowhere";
  EXPECT_EQ(Bridge::start(open).error().code, ErrorCode::kInvalidArgument);
}

TEST(BridgeTest, APortInUseIsUnavailable) {
  const auto first = Bridge::start(options()).value();
  BridgeOptions second = options();
  second.port = first->port();
  EXPECT_EQ(Bridge::start(second).error().code, ErrorCode::kUnavailable);
}

TEST(BridgeTest, NobodyBehindStratumPromisesTheLowestNonceOfSoftware) {
  BridgeOptions wrong = options();
  wrong.workers[1].origin = Origin::kSoftware;
  EXPECT_EQ(Bridge::start(wrong).error().code, ErrorCode::kInvalidArgument);
  wrong.workers.clear();
  EXPECT_EQ(Bridge::start(wrong).value()->origin(), Origin::kEmulated);
}

TEST(BridgeTest, AStampIsMadeByAMinerThatReallySearched) {
  const auto bridge = Bridge::start(options()).value();
  const std::jthread miner([&](std::stop_token stop) { mine(bridge->port(), "cpu", "2", stop); });
  BridgeRunner runner(*bridge);
  EXPECT_EQ(runner.origin(), Origin::kEmulated);
  for (std::uint8_t i = 0; i < 3; ++i) {
    const work::TreeLeaf leaf{.commitment = hash::sha256(std::vector<std::uint8_t>{i})};
    const auto tree = work::RequestTree::build({&leaf, 1}).value();
    const auto target = work::Target::from_work_bits(18).value();
    const auto stamp =
        work::make_stamp(tree, target, runner, std::chrono::steady_clock::now() + seconds(60));
    ASSERT_TRUE(stamp) << stamp.error().message;
    EXPECT_EQ(stamp->origin, Origin::kEmulated);
    EXPECT_TRUE(work::check(*stamp));
  }
  EXPECT_EQ(bridge->metrics().jobs_found, 3u);
}

TEST(BridgeTest, SeveralCallersAreServedAndEachGetsItsOwnJob) {
  const auto bridge = Bridge::start(options()).value();
  const std::jthread miner([&](std::stop_token stop) { mine(bridge->port(), "asic", "1", stop); });
  std::vector<std::jthread> callers;
  std::atomic<int> right = 0;
  for (std::uint8_t i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      const work::Job job = job_with(i, 16);
      const auto found = bridge->run(job, {});
      if (found && found->origin == Origin::kDevice &&
          work::check_share(job, found->share).verdict == work::ShareVerdict::kAccepted) {
        ++right;
      }
    });
  }
  callers.clear();
  EXPECT_EQ(right, 8);
}

TEST(BridgeTest, EveryOneOfAHundredMinersHasItsOwnExtranonceAndGetsTheJob) {
  const auto bridge = Bridge::start(options()).value();
  std::vector<std::unique_ptr<ScriptedMiner>> miners;
  std::set<std::vector<std::uint8_t>> extranonces;
  for (int i = 0; i < 100; ++i) {
    miners.push_back(std::make_unique<ScriptedMiner>(bridge->port()));
    ASSERT_TRUE(miners.back()->join("toy", "3"));
    extranonces.insert(miners.back()->extranonce_1());
  }
  EXPECT_EQ(extranonces.size(), 100u);
  EXPECT_EQ(bridge->metrics().miners, 100u);
  std::stop_source stop;
  std::jthread caller([&] { EXPECT_FALSE(bridge->run(job_with(1, 60), stop.get_token())); });
  const std::string payload = to_hex(job_with(1, 60).coinbase_part_2);
  for (const auto& miner : miners) EXPECT_NE(miner->line_with(payload), "");
  stop.request_stop();
}

TEST(BridgeTest, WithoutAMinerAJobIsUnavailableAfterTheStatedTime) {
  BridgeOptions alone = options();
  alone.no_miner_max = milliseconds(50);
  const auto bridge = Bridge::start(alone).value();
  EXPECT_EQ(bridge->run(job_with(1, 20), {}).error().code, ErrorCode::kUnavailable);
}

TEST(BridgeTest, DeadlineStopAndShutdownEndAJob) {
  auto bridge = Bridge::start(options()).value();
  ScriptedMiner idle(bridge->port());
  ASSERT_TRUE(idle.join("cpu", "2"));
  EXPECT_EQ(bridge->run(job_with(1, 60, milliseconds(20)), {}).error().code,
            ErrorCode::kDeadlineExceeded);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(bridge->run(job_with(1, 60), stop.get_token()).error().code, ErrorCode::kCancelled);
  work::Job other = job_with(1, 60);
  other.extranonce2_bytes = 4;
  EXPECT_EQ(bridge->run(other, {}).error().code, ErrorCode::kInvalidArgument);
  const std::uint64_t published = bridge->metrics().jobs_published;
  Bridge& running = *bridge;
  std::jthread caller(
      [&] { EXPECT_EQ(running.run(job_with(1, 60), {}).error().code, ErrorCode::kUnavailable); });
  ASSERT_TRUE(eventually([&] { return bridge->metrics().jobs_published > published; }));
  bridge.reset();
}

TEST(BridgeTest, TheSameJobAskedAgainIsFoundAgainAndNobodyIsBlamed) {
  const auto bridge = Bridge::start(options()).value();
  const std::jthread miner([&](std::stop_token stop) { mine(bridge->port(), "cpu", "2", stop); });
  const auto first = bridge->run(job_with(1, 18), {});
  const auto second = bridge->run(job_with(1, 18), {});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->share, second->share);
  EXPECT_EQ(bridge->metrics().workers[0].rejected[index_of(Reject::kDuplicate)], 0u);
}

TEST(BridgeTest, JobsBeyondTheQueueAreRefused) {
  BridgeOptions narrow = options();
  narrow.jobs_waiting_max = 0;
  const auto bridge = Bridge::start(narrow).value();
  std::stop_source stop;
  std::jthread first([&] { EXPECT_FALSE(bridge->run(job_with(1, 60), stop.get_token())); });
  ASSERT_TRUE(eventually([&] { return bridge->metrics().jobs_published == 1; }));
  EXPECT_EQ(bridge->run(job_with(2, 60), {}).error().code, ErrorCode::kResourceExhausted);
  stop.request_stop();
}

TEST(BridgeTest, AStoppedJobGivesWayToTheNext) {
  const auto bridge = Bridge::start(options()).value();
  std::stop_source stop;
  std::jthread first([&] { EXPECT_FALSE(bridge->run(job_with(1, 60), stop.get_token())); });
  ASSERT_TRUE(eventually([&] { return bridge->metrics().jobs_published == 1; }));
  std::jthread second([&] { EXPECT_TRUE(bridge->run(job_with(2, 14), {})); });
  ASSERT_TRUE(eventually([&] { return bridge->metrics().jobs_waiting == 1; }));
  stop.request_stop();
  const std::jthread miner(
      [&](std::stop_token stopped) { mine(bridge->port(), "cpu", "2", stopped); });
  second.join();
}

TEST(BridgeTest, ALyingMinerYieldsNothingAndIsNamedWhileAnHonestOneWorks) {
  Events events;
  const auto bridge = Bridge::start(options(), &events).value();
  std::jthread caller([&] {
    const auto found = bridge->run(job_with(5, 22), {});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->origin, Origin::kEmulated);
  });
  ScriptedMiner liar(bridge->port());
  ASSERT_TRUE(liar.join("asic", "1"));
  const auto notify =
      nlohmann::json::parse(liar.line_with(to_hex(job_with(5, 22).coinbase_part_2)));
  const std::string job_id = notify["params"][0];
  work::Share lie{.extranonce_1 = liar.extranonce_1(),
                  .extranonce_2 = std::vector<std::uint8_t>(8),
                  .ntime = job_of(notify).ntime};
  for (lie.nonce = 0; lie.nonce < 40; ++lie.nonce) liar.send(submit_line("asic", job_id, lie));
  EXPECT_TRUE(eventually([&] { return events.has(BridgeEvent::Kind::kNamed); }));
  const std::jthread honest([&](std::stop_token stop) { mine(bridge->port(), "cpu", "2", stop); });
  caller.join();
  for (const WorkerMetrics& worker : bridge->metrics().workers) {
    EXPECT_EQ(worker.named_liar, worker.name == "asic") << worker.name;
  }
}

TEST(BridgeTest, AWrongTokenNeverJoins) {
  Events events;
  const auto bridge = Bridge::start(options(), &events).value();
  ScriptedMiner stranger(bridge->port());
  EXPECT_FALSE(stranger.join("asic", "2"));
  EXPECT_TRUE(events.has(BridgeEvent::Kind::kRefused, "token"));
  EXPECT_EQ(bridge->metrics().miners, 0u);
}

TEST(BridgeTest, AnOversizedLineEndsOnlyItsOwnConnection) {
  const auto bridge = Bridge::start(options()).value();
  ScriptedMiner good(bridge->port()), bad(bridge->port());
  ASSERT_TRUE(good.join("cpu", "2"));
  bad.send(std::string(kLineBytesMax + 4096, 'x'));
  EXPECT_TRUE(bad.hung_up());
  good.send("{\"id\":7,\"method\":\"mining.ping\"}\n");
  EXPECT_THAT(good.line_with("\"id\":7"), HasSubstr("pong"));
}

TEST(BridgeTest, OneWhoSaysNothingIsHungUpOn) {
  BridgeOptions impatient = options();
  impatient.limits.handshake_max = milliseconds(50);
  impatient.limits.silence_max = milliseconds(400);
  Events events;
  const auto bridge = Bridge::start(impatient, &events).value();
  ScriptedMiner mute(bridge->port());
  EXPECT_TRUE(mute.hung_up());
  ScriptedMiner half_open(bridge->port());
  ASSERT_TRUE(half_open.join("cpu", "2"));
  EXPECT_TRUE(half_open.hung_up());
  EXPECT_TRUE(eventually([&] { return events.has(BridgeEvent::Kind::kLeft, "silent"); }));
}

TEST(BridgeTest, OneWhoDoesNotReadIsDroppedAndCounted) {
  const auto bridge = Bridge::start(options()).value();
  ScriptedMiner slow(bridge->port(), 2048);
  ASSERT_TRUE(slow.join("cpu", "2"));
  for (int i = 0; i < 20000 && bridge->metrics().slow_readers_dropped == 0; ++i) {
    EXPECT_FALSE(bridge->run(job_with(1, 60, milliseconds(1)), {}));
  }
  EXPECT_EQ(bridge->metrics().slow_readers_dropped, 1u);
}

TEST(BridgeTest, ConnectionsAboveTheLimitsAreRefused) {
  BridgeOptions narrow = options();
  narrow.connections_per_address_max = 2;
  const auto bridge = Bridge::start(narrow).value();
  ScriptedMiner first(bridge->port());
  ASSERT_TRUE(first.join("cpu", "2"));
  {
    ScriptedMiner second(bridge->port());
    ASSERT_TRUE(second.join("cpu", "2"));
    ScriptedMiner third(bridge->port());
    EXPECT_TRUE(third.hung_up());
    EXPECT_EQ(bridge->metrics().connections_refused, 1u);
  }
  ASSERT_TRUE(eventually([&] { return bridge->metrics().connections == 1; }));
  ScriptedMiner fourth(bridge->port());
  EXPECT_TRUE(fourth.join("cpu", "2"));
}

TEST(BridgeTest, TheHistogramsQuantileIsTheUpperEndOfItsBucket) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.99).count(), 0);
  for (int i = 0; i < 99; ++i) histogram.add(std::chrono::microseconds(3));
  histogram.add(milliseconds(3));
  EXPECT_EQ(histogram.quantile(0.5).count(), 4);
  EXPECT_EQ(histogram.quantile(0.99).count(), 4);
  EXPECT_EQ(histogram.quantile(1).count(), 4096);
}

}  // namespace
}  // namespace calx::stratum
