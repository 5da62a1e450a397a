// Goal: a thousand miners at one bridge, and not one wrong verdict.
// Method: 1,000 emulated miners of four kinds share 10 million hashes a second of this processor
// for half a minute, with faults; every verdict is judged from the fault plan. The waits for a
// verdict are reported, not asserted: both ends and the hashing run on the same processor.
#include <gtest/gtest.h>

#include <iostream>

#include "calx/emulate/farm.h"
#include "calx/stratum/bridge.h"

namespace calx {
namespace {

TEST(ThousandMinersTest, EveryVerdictIsTheOneThatThePlanAsksFor) {
  constexpr unsigned kSmallBase = 5;
  stratum::BridgeOptions bridge_options;
  bridge_options.port = 0;
  bridge_options.vardiff.log2_start = 8 + int{kSmallBase} - 32;  // the mask of AxeOS devices
  bridge_options.vardiff.shares_per_second = 0;
  const auto bridge = stratum::Bridge::start(bridge_options).value();

  emulate::FarmOptions options;
  options.port = bridge->port();
  options.count = 1000;
  options.run_time = std::chrono::seconds(30);
  options.hashes_per_second_max = 10e6;
  options.miner.seed = noise::Seed::from_integer(std::int64_t{11});
  options.miner.faults = emulate::FaultPlan::parse(
                             "lie=0.01,duplicate=0.01,stale=0.01,corrupt=0.01,loss=0.01,"
                             "disconnect=0.002,half-open=0.001")
                             .value();
  for (const char* kind : {"lv06", "bitaxe-ultra", "bitaxe-gamma", "s3"}) {
    options.devices.push_back(emulate::find_emulated_device(kind, kSmallBase).value());
  }
  const auto report = emulate::run_farm(options, {}).value();
  EXPECT_EQ(report.ledger.wrong(), 0u);
  EXPECT_GE(report.connections, 1000u);
  EXPECT_GT(report.ledger.accepted(), 2000u);
  EXPECT_LE(static_cast<double>(report.hashes), 1.1 * 10e6 * report.ran.count());
  std::cout << report.ledger.accepted() << " shares of 1000 miners in " << report.ran.count()
            << " s, " << report.hashes << " hashes, " << report.late << " late; verdicts p50 "
            << 1e3 * report.ledger.answer_quantile(0.5).count() << " ms, p99 "
            << 1e3 * report.ledger.answer_quantile(0.99).count() << " ms\n";
}

}  // namespace
}  // namespace calx
