// Goal: stamps come from honest shares alone, whatever the miners of the bridge do.
// Method: the real bridge and emulated miners over loopback: three kinds together, one of them
// lying, one dying mid-way; then a storm of every fault. The verdicts are judged from the fault
// plan, the shares by the host's own check, and the origin must come out as emulated.
#include <gtest/gtest.h>

#include <thread>

#include "calx/emulate/farm.h"
#include "calx/stratum/bridge.h"
#include "calx/work/share.h"

namespace calx {
namespace {

constexpr unsigned kSmallBase = 6;  // an LV06's mask then takes 2^14 hashes
constexpr int kLog2Difficulty = -26;

std::unique_ptr<stratum::Bridge> start_bridge() {
  stratum::BridgeOptions options;
  options.port = 0;
  options.workers = {{"honest", "x", Origin::kDevice},
                     {"liar", "x", Origin::kDevice},
                     {"dying", "x", Origin::kDevice}};
  options.vardiff.log2_start = kLog2Difficulty;
  options.vardiff.shares_per_second = 0;
  return stratum::Bridge::start(std::move(options)).value();
}

emulate::FarmOptions miners(const stratum::Bridge& bridge, const char* worker, const char* kind,
                            const char* faults, std::uint64_t seed) {
  emulate::FarmOptions options;
  options.port = bridge.port();
  options.miner.device = emulate::find_emulated_device(kind, kSmallBase).value();
  options.miner.worker = worker;
  options.miner.seed = noise::Seed::from_integer(seed);
  options.miner.faults = emulate::FaultPlan::parse(faults).value();
  options.miner.speed = 4;
  return options;
}

// One farm in a thread of its own; its report once it has been stopped.
class RunningFarm {
 public:
  explicit RunningFarm(emulate::FarmOptions options)
      : options_(std::move(options)), thread_([this](const std::stop_token& stop) {
          report_ = emulate::run_farm(options_, stop);
        }) {}
  emulate::FarmReport stop() {
    thread_.request_stop();
    thread_.join();
    return std::move(report_).value();
  }

 private:
  emulate::FarmOptions options_;
  Result<emulate::FarmReport> report_;
  std::jthread thread_;
};

work::Job job_number(std::uint8_t number) {
  hash::Digest payload{};
  payload[0] = number;
  work::Job job = work::template_job(payload, work::Target::from_work_bits(14).value());
  job.version_mask = work::kVersionMask;
  job.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  return job;
}

TEST(BridgeAndEmulatorsTest, ThreeKindsOneLyingOneDyingGiveOnlyHonestShares) {
  const auto bridge = start_bridge();
  RunningFarm honest(miners(*bridge, "honest", "bitaxe-gamma", "", 1));
  RunningFarm liar(miners(*bridge, "liar", "s3", "lie=1", 2));
  RunningFarm dying(miners(*bridge, "dying", "s9", "half-open=0.05", 3));
  for (std::uint8_t number = 0; number < 8; ++number) {
    const work::Job job = job_number(number);
    const auto found = bridge->run(job, {});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->origin, Origin::kEmulated) << "declared a device, but it says what it is";
    EXPECT_EQ(work::check_share(job, found->share).verdict, work::ShareVerdict::kAccepted);
  }
  const auto honest_report = honest.stop();
  const auto liar_report = liar.stop();
  const auto dying_report = dying.stop();
  EXPECT_EQ(honest_report.ledger.wrong(), 0u);
  EXPECT_EQ(dying_report.ledger.wrong(), 0u);
  EXPECT_EQ(liar_report.ledger.wrong(), 0u) << "a lie was accepted, or called something else";
  EXPECT_EQ(liar_report.ledger.accepted(), 0u);
  for (const auto& worker : bridge->metrics().workers) {
    if (worker.name == "liar" && liar_report.ledger.records().size() > 100) {
      EXPECT_TRUE(worker.named_liar);
    }
    EXPECT_TRUE(worker.name == "liar" || !worker.named_liar) << worker.name;
  }
}

TEST(BridgeAndEmulatorsTest, EveryFirmwareIsServed) {
  const auto bridge = start_bridge();
  for (const auto kind : emulate::emulated_kinds()) {
    auto options = miners(*bridge, "honest", std::string(kind).c_str(), "", 4);
    options.miner.speed = kind == "cpuminer" ? 0.01 : 100;  // within 2,000 submits a second
    options.run_time = std::chrono::milliseconds(700);
    const auto report = emulate::run_farm(options, {}).value();
    EXPECT_EQ(report.connections, 1u) << kind;
    EXPECT_GT(report.ledger.accepted(), 0u) << kind;
    EXPECT_EQ(report.ledger.wrong(), 0u) << kind;
  }
}

TEST(BridgeAndEmulatorsTest, InAStormEveryVerdictIsTheOneThatThePlanAsksFor) {
  const auto bridge = start_bridge();
  auto options = miners(*bridge, "honest", "s3",
                        "latency=10ms,lie=0.04,duplicate=0.05,stale=0.05,corrupt=0.05,loss=0.05,"
                        "disconnect=0.004,half-open=0.0002",
                        5);
  options.count = 20;
  RunningFarm storm(options);
  std::size_t found = 0;
  for (std::uint8_t number = 0; number < 12; ++number) {
    found += bridge->run(job_number(number), {}).has_value();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const auto report = storm.stop();
  EXPECT_EQ(found, 12u);
  EXPECT_EQ(report.ledger.wrong(), 0u);
  for (const auto& record : report.ledger.records()) {
    if (record.verdict && !is_right(record)) {
      ADD_FAILURE() << to_string(record.fault) << " expected " << record.expected << " got "
                    << *record.verdict << ", job " << record.job;
    }
  }
  EXPECT_GT(report.ledger.accepted(), 50u);
}

}  // namespace
}  // namespace calx
