// Goal: every count of a bridge is exposed under its own name and labels, once. Method: vector. One
// filled-in BridgeMetrics, lines found by hand.
#include "calx/stratum/exposition.h"

#include <gmock/gmock.h>

#include <set>
#include <sstream>

namespace calx::stratum {
namespace {

using testing::HasSubstr;

TEST(BridgeExpositionTest, SharesCarryTheirWorkerOriginAndVerdict) {
  BridgeMetrics bridge{.connections = 3, .jobs_waiting = 7};
  bridge.workers.push_back(
      {.name = "rig", .origin = Origin::kDevice, .accepted = 5, .rejected = {1, 2, 3, 4, 0, 0}});
  bridge.verdict.add(std::chrono::microseconds(3));
  metrics::Exposition out;
  expose(out, bridge);
  const std::string labels = "calx_bridge_shares_total{worker=\"rig\",origin=\"device\",verdict=";
  EXPECT_THAT(out.text(), HasSubstr("\n" + labels + "\"accepted\"} 5\n"));
  EXPECT_THAT(out.text(), HasSubstr("\n" + labels + "\"stale\"} 2\n"));
  EXPECT_THAT(out.text(), HasSubstr("\n" + labels + "\"low_difficulty\"} 4\n"));
  EXPECT_THAT(out.text(), HasSubstr("\ncalx_bridge_connections 3\n"));
  EXPECT_THAT(out.text(), HasSubstr("\ncalx_bridge_jobs_waiting 7\n"));
  EXPECT_THAT(out.text(), HasSubstr("\ncalx_bridge_verdict_seconds_bucket{le=\"2e-06\"} 0\n"));
  EXPECT_THAT(out.text(), HasSubstr("\ncalx_bridge_verdict_seconds_bucket{le=\"4e-06\"} 1\n"));
  EXPECT_THAT(out.text(), HasSubstr("\ncalx_bridge_verdict_seconds_sum 3e-06\n"));
}

TEST(BridgeExpositionTest, ASeriesAppearsOnceAndTheirNumberIsBounded) {
  BridgeMetrics bridge;
  for (std::size_t i = 0; i < kWorkersExposedMax + 5; ++i) {
    bridge.workers.push_back({.name = "w" + std::to_string(i)});
  }
  metrics::Exposition out;
  expose(out, bridge);
  EXPECT_THAT(out.text(), HasSubstr("\ncalx_bridge_workers 1005\n"));
  std::istringstream lines(out.text());
  std::set<std::string> series;
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) {
    const bool fresh = series.insert(line.substr(0, line.rfind(' '))).second;
    if (line.starts_with("#")) continue;
    EXPECT_TRUE(fresh) << line;
    ++count;
  }
  EXPECT_LT(count, kWorkersExposedMax * (kRejectCodes + 5) + 100);
}

}  // namespace
}  // namespace calx::stratum
