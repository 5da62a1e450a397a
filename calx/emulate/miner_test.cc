// Goal: a whole emulated miner keeps its device's pace, answers truthfully, and fails as planned.
// Method: the miner without sockets against a pool that judges by OpenSSL, in virtual time: a law
// test of its pace, then a fault test of every kind, judged from the plan.
#include "calx/emulate/miner.h"

#include <gtest/gtest.h>

#include <cmath>

#include "calx/emulate/scripted_pool.h"

namespace calx::emulate {
namespace {

constexpr unsigned kSmallBase = 4;       // mask 256 then takes 2^12 hashes
constexpr int kLog2AtMask = 8 + 4 - 32;  // the wire's difficulty of the mask

// One miner and one pool in one virtual time line.
class Bench {
 public:
  Bench(const char* kind, const char* faults, int log2_difficulty = kLog2AtMask,
        std::size_t job_every = 0, std::uint64_t seed = 1)
      : log2_difficulty_(log2_difficulty), job_every_(job_every) {
    MinerOptions options{.device = find_emulated_device(kind, kSmallBase).value(),
                         .worker = "w",
                         .seed = noise::Seed::from_integer(seed),
                         .faults = FaultPlan::parse(faults).value()};
    miner = Miner::open(options, ledger).value();
  }

  // Lets `seconds` of device time pass.
  void run(double seconds) {
    const Time end = now + std::chrono::duration_cast<Time::duration>(Seconds(seconds));
    while (now < end) {
      if (miner->wants_connection(now)) {
        pools.emplace_back(log2_difficulty_, "ca1c000" + std::to_string(pools.size() % 10),
                           job_every_);
        miner->on_connected(now);
      }
      miner->tick(now);
      while (miner->hungry()) miner->hash(1 << 16);
      exchange();
      if (miner->wants_hang_up()) {
        const std::string why = miner->hang_up_reason();
        miner->on_closed(now, why);
      }
      for (MinerEvent& event : miner->take_events()) events.push_back(std::move(event));
      const Time wake = std::max(miner->wake_at(), now + std::chrono::microseconds(1));
      now = std::min({wake, end, now + std::chrono::milliseconds(100)});
    }
  }

  std::size_t count(Fault fault, int verdict) const {
    std::size_t sum = 0;
    for (const auto& record : ledger.records()) {
      sum += record.fault == fault && record.verdict == verdict;
    }
    return sum;
  }

  Time now = Time(std::chrono::hours(1));
  Ledger ledger;
  std::unique_ptr<Miner> miner;
  std::vector<PoolSession> pools;
  std::vector<MinerEvent> events;

 private:
  void exchange() {
    std::string out;
    miner->take_output(out, now);
    for (std::size_t end; (end = out.find('\n')) != std::string::npos; out.erase(0, end + 1)) {
      const std::string answer = pools.back().on_line(out.substr(0, end));
      // In two pieces, as a network may deliver it.
      miner->on_bytes(std::string_view(answer).substr(0, answer.size() / 2), now);
      miner->on_bytes(std::string_view(answer).substr(answer.size() / 2), now);
    }
  }

  int log2_difficulty_;
  std::size_t job_every_;
};

TEST(MinerTest, AnLv06KeepsThePaceOfARealOneAndEveryShareHolds) {
  Bench bench("lv06", "", kLog2AtMask, 3);
  bench.run(2000);
  const double rate = 433.59e9 / (256 * 0x1p32);
  const double shares = static_cast<double>(bench.ledger.accepted());
  EXPECT_NEAR(shares, 2000 * rate, 4 * std::sqrt(2000 * rate));
  EXPECT_EQ(bench.ledger.wrong(), 0u);
  EXPECT_EQ(bench.ledger.records().size(), bench.pools.back().judged.size());
  for (const auto& judged : bench.pools.back().judged) EXPECT_EQ(judged.verdict, 0);
  EXPECT_GT(bench.miner->hashes(), 0.8 * shares * 4096);
}

TEST(MinerTest, GapsBetweenSharesAreExponential) {
  Bench bench("s3", "", -28, 0, 5);  // 441 GH/s at difficulty 1: 102.7 a second
  bench.run(20);
  const auto& records = bench.ledger.records();
  ASSERT_GT(records.size(), 1500u);
  std::vector<double> gaps;
  for (std::size_t i = 1; i < records.size(); ++i) {
    gaps.push_back(Seconds(records[i].sent - records[i - 1].sent).count());
  }
  std::sort(gaps.begin(), gaps.end());
  const double mean = 0x1p32 / 441e9, n = static_cast<double>(gaps.size());
  double worst = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    const double law = -std::expm1(-gaps[i] / mean);
    worst = std::max(worst, std::abs(law - (static_cast<double>(i) + 0.5) / n));
  }
  EXPECT_LT(worst * std::sqrt(n), 1.63);
}

TEST(MinerTest, BelowItsMaskAnLv06IsNoFasterAndItsSharesAreHarderThanAsked) {
  Bench bench("lv06", "", kLog2AtMask - 4);
  bench.run(300);
  EXPECT_LT(bench.ledger.accepted(), 180u);
  EXPECT_GT(bench.ledger.accepted(), 70u);
  // 12 zero bits by the chip's mask, up to its own 2^-16.
  for (const auto& judged : bench.pools.back().judged) {
    EXPECT_EQ(judged.hash[31], 0);
    EXPECT_LT(judged.hash[30], 0x10);
  }
}

TEST(MinerTest, AHarderPoolSlowsItDown) {
  Bench bench("bitaxe-gamma", "", kLog2AtMask + 2);
  bench.run(400);
  const double expected = 400 * 1.071e12 / (1024 * 0x1p32);
  EXPECT_NEAR(static_cast<double>(bench.ledger.accepted()), expected, 4 * std::sqrt(expected));
}

TEST(MinerTest, PlannedVerdictsComeForEveryPlannedFault) {
  Bench bench("s3", "lie=0.1,duplicate=0.1,stale=0.1,corrupt=0.1,loss=0.1", -28, 20);
  bench.run(15);
  EXPECT_GT(bench.count(Fault::kNone, kAccepted), 500u);
  EXPECT_GT(bench.count(Fault::kLie, kAboveTarget), 50u);
  EXPECT_GT(bench.count(Fault::kDuplicate, kDuplicateShare), 50u);
  EXPECT_GT(bench.count(Fault::kStale, kStaleJob), 50u);
  EXPECT_GT(bench.count(Fault::kCorrupt, kMalformed), 50u);
  EXPECT_GT(bench.ledger.tallies()[static_cast<std::size_t>(Fault::kLoss)].unanswered, 50u);
  EXPECT_EQ(bench.ledger.wrong(), 0u);
}

TEST(MinerTest, TheLedgerCatchesAPoolThatJudgesWrongly) {
  Ledger ledger;
  ledger.enter({.miner = 2, .number = 5, .fault = Fault::kLie, .expected = kAboveTarget});
  ledger.enter({.miner = 2, .number = 6});
  EXPECT_TRUE(ledger.answer(2, 5, kAccepted, {}));
  EXPECT_EQ(ledger.wrong(), 1u);
  ledger.overtake(2);
  EXPECT_TRUE(ledger.answer(2, 6, kStaleJob, {}));
  EXPECT_EQ(ledger.wrong(), 1u) << "its job was withdrawn meanwhile";
  EXPECT_FALSE(ledger.answer(2, 6, kAccepted, {})) << "only one answer counts";
}

TEST(MinerTest, ADisconnectLeadsToAnotherConnectionAndMoreShares) {
  Bench bench("s3", "disconnect=0.01", -28);
  bench.run(60);
  EXPECT_GT(bench.miner->connections(), 2u);
  EXPECT_EQ(bench.pools.size(), bench.miner->connections());
  EXPECT_FALSE(bench.pools.back().judged.empty());
}

TEST(MinerTest, HalfOpenHoldsTheConnectionAndSaysNothing) {
  Bench bench("s3", "half-open=0.05", -28);
  bench.run(10);
  EXPECT_TRUE(bench.miner->silent());
  const auto lines = bench.pools.back().lines.size();
  bench.run(600);
  EXPECT_EQ(bench.pools.back().lines.size(), lines);
  EXPECT_EQ(bench.miner->connections(), 1u);
}

TEST(MinerTest, TooHotItStopsHashingAndStaysConnected) {
  Bench bench("s3", "overheat=5s", -28);
  bench.run(5);
  const auto hashes = bench.miner->hashes();
  EXPECT_GT(bench.ledger.accepted(), 300u);
  const double before = bench.miner->temperature(bench.now);
  bench.run(60);
  EXPECT_TRUE(bench.miner->too_hot() && bench.miner->connected());
  EXPECT_LE(bench.miner->hashes(), hashes + 200);
  EXPECT_GT(bench.miner->temperature(bench.now), before);
}

TEST(MinerTest, LatencyDelaysEverySubmitAndNothingElse) {
  Bench bench("s3", "latency=200ms", -28);
  bench.run(10);
  EXPECT_NEAR(static_cast<double>(bench.ledger.accepted()), 9.8 * 102.7, 4 * 32);
  EXPECT_EQ(bench.ledger.wrong(), 0u);
}

TEST(MinerTest, AnS9AskedForLessThanOneSubmitsNothing) {
  Bench bench("s9", "", -32);
  bench.run(20);
  EXPECT_TRUE(bench.pools.back().judged.empty());
  ASSERT_FALSE(bench.events.empty());
  EXPECT_EQ(bench.events.back().kind, MinerEvent::Kind::kFault);
}

TEST(MinerTest, OneSeedGivesOneRun) {
  Bench a("lv06", "lie=0.2", kLog2AtMask, 0, 7), b("lv06", "lie=0.2", kLog2AtMask, 0, 7),
      c("lv06", "lie=0.2", kLog2AtMask, 0, 8);
  for (Bench* bench : {&a, &b, &c}) bench->run(100);
  const auto text = [](const Bench& bench) {
    std::string all;
    for (const auto& line : bench.pools.back().lines) all += line.dump() + "\n";
    return all;
  };
  EXPECT_EQ(text(a), text(b));
  EXPECT_NE(text(a), text(c));
}

}  // namespace
}  // namespace calx::emulate
