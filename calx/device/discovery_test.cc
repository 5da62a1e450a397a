// Goal: miners at named addresses are found and described, within the rate, the time and a stop.
// Method: scripted AxeOS, cgminer, a web page and a half-open port on 127.0.0.0/8 ports of their
// own; the number of connections that each server saw; a stop and a deadline before anything ends.
#include "calx/device/discovery.h"

#include <gmock/gmock.h>

#include "calx/device/scripted_server.h"

namespace calx::device {
namespace {

using testing::HasSubstr;

std::string http(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string axeos(const std::string& request) {
  return request.starts_with("GET /api/system/info ")
             ? http(R"({"ASICModel":"BM1370","boardVersion":"601","axeOSVersion":"v2.16.0",
                       "hashRate":1071.5,"temp":58.2,"stratumURL":"solo.pool","stratumPort":3333})")
             : http("");
}

std::string cgminer(const std::string& request) {
  if (request.find("GET ") == 0) return std::string(1, '\0');
  const std::string status = R"({"STATUS":[{"STATUS":"S","Code":1}],)";
  if (request.find("version") != std::string::npos) {
    return status + R"("VERSION":[{"CGMiner":"4.10.0","Type":"Antminer S9"}]})" + '\0';
  }
  if (request.find("stats") != std::string::npos) {
    return status + R"("STATS":[{"ID":"x"}{"temp2_6":71,"temp_max":80}]})" + '\0';
  }
  if (request.find("pools") != std::string::npos) {
    return status + R"("POOLS":[{"POOL":0,"URL":"stratum+tcp://a:1","Stratum Active":true,)" +
           R"("Stratum Difficulty":8192.0}]})" + '\0';
  }
  return status + R"("SUMMARY":[{"GHS 5s":"13512.55","Accepted":3,"Device Hardware%":0.02}]})" +
         '\0';
}

SearchTarget at(const ScriptedServer& server) {
  return {.ip = server.address().ip, .port = server.address().port};
}

const SearchLimits kQuick{
    .connects_per_second = 500, .at_once = 4, .patience = std::chrono::milliseconds(1000)};

TEST(DiscoveryTest, BothKindsAreFoundAndOthersAreNot) {
  const ScriptedServer first(axeos), second(cgminer),
      page([](const std::string&) { return http("<title>a printer</title>"); }),
      half_open([](const std::string&) { return std::string(); });
  std::uint16_t closed = 0;
  {
    const ScriptedServer gone(axeos);
    closed = gone.address().port;
  }
  const std::vector<SearchTarget> targets = {
      at(page), at(first), {.ip = "127.0.0.1", .port = closed}, at(second), at(half_open)};
  const auto report = search_miners(targets, kQuick, {});
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->miners.size(), 2u);
  EXPECT_EQ(report->unasked, 0u);
  EXPECT_EQ(report->silent.size(), 3u);
  const Telemetry& one = report->miners[0].telemetry;
  EXPECT_EQ(report->miners[0].address, first.address());
  EXPECT_EQ(one.model, "BM1370 board 601");
  EXPECT_EQ(one.pool, "solo.pool:3333");
  EXPECT_EQ(one.celsius, 58.2);
  const Telemetry& two = report->miners[1].telemetry;
  EXPECT_EQ(two.api, MinerApi::kCgminer);
  EXPECT_EQ(two.model, "Antminer S9");
  EXPECT_EQ(two.firmware, "CGMiner 4.10.0");
  EXPECT_EQ(two.ghs, 13512.55);
  EXPECT_EQ(two.celsius, 71);
  EXPECT_EQ(two.pool_difficulty, 8192);
  EXPECT_EQ(two.error_percent, 0.02);
  EXPECT_EQ(first.requests().size(), 1u) << "one look, not one for each interface";
}

TEST(DiscoveryTest, WhatWasNotAskedInTimeIsCounted) {
  const ScriptedServer server(axeos);
  const std::vector<SearchTarget> targets(40, at(server));
  SearchLimits slow = kQuick;
  slow.connects_per_second = 20, slow.at_once = 2;
  slow.patience = std::chrono::seconds(5);
  slow.whole = std::chrono::milliseconds(220);
  const auto report = search_miners(targets, slow, {});
  ASSERT_TRUE(report);
  EXPECT_LE(report->miners.size(), 5u) << "220 ms at 20 a second";
  EXPECT_EQ(report->miners.size() + report->silent.size() + report->unasked, 40u);
  EXPECT_EQ(server.requests().size(), report->miners.size());
  EXPECT_TRUE(report->silent.empty()) << "not asked is another thing than not a miner";
}

TEST(DiscoveryTest, AStopEndsItBeforeTheFirstConnection) {
  const ScriptedServer server(axeos);
  std::stop_source stop;
  stop.request_stop();
  const std::vector<SearchTarget> targets(3, at(server));
  const auto report = search_miners(targets, kQuick, stop.get_token());
  ASSERT_TRUE(report);
  EXPECT_EQ(report->unasked, 3u);
  EXPECT_TRUE(server.requests().empty());
}

TEST(DiscoveryTest, LimitsOutsideTheirBoundsAreRefused) {
  SearchLimits limits = kQuick;
  limits.connects_per_second = 0;
  EXPECT_FALSE(search_miners({}, limits, {}));
  limits = kQuick;
  limits.at_once = kConnectsAtOnceMax + 1;
  EXPECT_FALSE(search_miners({}, limits, {}));
  const std::vector<SearchTarget> many(kSearchAddressesMax + 1);
  EXPECT_THAT(search_miners(many, kQuick, {}).error().message, HasSubstr("1025 addresses"));
  EXPECT_TRUE(search_miners({}, kQuick, {}));
}

}  // namespace
}  // namespace calx::device
