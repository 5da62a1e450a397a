// Goal: every generation of AxeOS is read, and no device is told what would harm it.
// Method: vectors: info as three generations send it; faults: fields of other types, missing,
// spoilt; laws: voltages and clocks stay in their limits whatever is asked; HTTP replies in every
// framing, cut and overlong.
#include "calx/device/axeos.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "calx/device/http_exchange.h"
#include "calx/device/lan_address.h"
#include "calx/device/scripted_server.h"

namespace calx::device {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(AxeosTest, InfoOfEveryGenerationIsRead) {
  const auto old = parse_axeos_info(
      R"({"power":12.1,"temp":51,"vrTemp":60,"hashRate":433.6,"bestDiff":"18.7M",
          "bestSessionDiff":"2.1k","sharesAccepted":5,"sharesRejected":0,"ASICModel":"BM1366",
          "stratumURL":"solo.pool","stratumPort":3333,"stratumUser":"bc1q.w","frequency":485,
          "coreVoltage":1200,"coreVoltageActual":1187,"fanspeed":70,"overheat_mode":0,
          "stratumDiff":1000,"version":"v2.1.10"})");
  ASSERT_TRUE(old) << old.error().message;
  EXPECT_EQ(old->chip, "BM1366");
  EXPECT_DOUBLE_EQ(old->ghs.value(), 433.6);
  EXPECT_DOUBLE_EQ(old->best_difficulty.value(), 18.7e6);
  EXPECT_DOUBLE_EQ(old->core_mv.value(), 1187);
  EXPECT_DOUBLE_EQ(old->pool_difficulty.value(), 1000);
  EXPECT_EQ(old->pool, (AxeosPool{"solo.pool", 3333, "bc1q.w"}));
  EXPECT_FALSE(old->fallback || old->has_pool_list);

  const auto master = parse_axeos_info(
      R"({"hashRate":1071.2,"bestDiff":29588.01,"poolDifficulty":256.5,"temp":-1,"temp2":55.5,
          "miningPaused":true,"axeOSVersion":"v2.12","version":"x","isUsingFallbackStratum":1,
          "fallbackStratumURL":"b","fallbackStratumPort":"4444","fallbackStratumUser":"u",
          "pools":[{"id":0,"stratumURL":"a","stratumPort":3333,"stratumUser":"w"}]})");
  ASSERT_TRUE(master);
  EXPECT_EQ(master->version, "v2.12");
  EXPECT_DOUBLE_EQ(master->celsius.value(), 55.5) << "-1 is no temperature";
  EXPECT_TRUE(master->paused && master->has_pool_list && master->on_fallback);
  EXPECT_EQ(master->pool, (AxeosPool{"a", 3333, "w"}));
  EXPECT_EQ(master->fallback, (AxeosPool{"b", 4444, "u"}));
}

TEST(AxeosTest, WhatIsMissingOrOddIsLeftOut) {
  const auto odd = parse_axeos_info(
      R"({"hashRate":"fast","power":null,"temp":[1],"bestDiff":{},"stratumPort":99999999,
          "stratumURL":"x","pools":[1,null,{"id":"0"}],"sharesAccepted":"12"})");
  ASSERT_TRUE(odd);
  EXPECT_FALSE(odd->ghs || odd->watts || odd->celsius || odd->best_difficulty);
  EXPECT_EQ(odd->pool->port, 0);
  EXPECT_DOUBLE_EQ(odd->accepted.value(), 12);
  for (const char* bad : {"", "[]", "{", "nan", "\"x\""}) {
    EXPECT_EQ(parse_axeos_info(bad).error().code, ErrorCode::kDataLoss) << bad;
  }
  EXPECT_EQ(parse_axeos_info(std::string(kAxeosInfoBytesMax + 1, ' ')).error().code,
            ErrorCode::kDataLoss);
}

TEST(AxeosTest, ScaledNumbersAreRead) {
  EXPECT_DOUBLE_EQ(parse_scaled("18.7M").value(), 18.7e6);
  EXPECT_DOUBLE_EQ(parse_scaled(" 4.29 G ").value(), 4.29e9);
  EXPECT_DOUBLE_EQ(parse_scaled("512").value(), 512);
  for (const char* bad : {"", "M", "1.5X", "1.5MM", "nan", "inf"}) EXPECT_FALSE(parse_scaled(bad));
}

TEST(AxeosTest, OnePatchSpeaksToBothGenerations) {
  const AxeosPool bridge{"192.168.1.10", 3333, "w.1"}, old{"solo.pool", 3333, "bc1q.w"};
  const json patch = json::parse(axeos_pool_patch(bridge, old));
  EXPECT_EQ(patch["stratumURL"], "192.168.1.10");
  EXPECT_EQ(patch["fallbackStratumURL"], "solo.pool");
  EXPECT_EQ(patch["pools"][0]["stratumURL"], "192.168.1.10");
  EXPECT_EQ(patch["pools"][1]["stratumUser"], "bc1q.w");
  EXPECT_EQ(patch["primaryPoolIndex"], 0);
  EXPECT_THAT(patch.dump(), testing::Not(HasSubstr("assword")));
  EXPECT_THAT(patch.dump(), testing::Not(HasSubstr("oltage")));
  EXPECT_THAT(patch.dump(), testing::Not(HasSubstr("frequency")));
}

TEST(AxeosTest, ClockAndVoltageAreClampedToTheChip) {
  const auto wild = axeos_tuning_patch("BM1366", 65535, 65535);
  ASSERT_TRUE(wild);
  EXPECT_EQ(json::parse(*wild), json({{"frequency", 575.0}, {"coreVoltage", 1300}}));
  EXPECT_EQ(json::parse(*axeos_tuning_patch("bm1370", 1, std::nullopt)),
            json({{"frequency", 400.0}}));
  EXPECT_FALSE(axeos_tuning_patch("BM1387", 500, std::nullopt));
  EXPECT_FALSE(axeos_tuning_patch("BM1366", std::nullopt, std::nullopt));
}

TEST(AxeosTest, HeatIsNamed) {
  EXPECT_FALSE(too_hot({.celsius = 60, .regulator_celsius = 80}, {}));
  EXPECT_THAT(too_hot({.celsius = 71}, {}).value(), HasSubstr("71 C"));
  EXPECT_THAT(too_hot({.regulator_celsius = 99}, {}).value(), HasSubstr("regulator"));
  EXPECT_TRUE(too_hot({.overheated = true}, {}));
  EXPECT_FALSE(too_hot({}, {}));
}

TEST(LanAddressTest, OnlyNearbyNumbersAreTaken) {
  EXPECT_EQ(parse_lan_address("192.168.1.20", 80)->to_string(), "192.168.1.20:80");
  EXPECT_EQ(parse_lan_address("10.0.0.1:8080", 80)->port, 8080);
  for (const char* near : {"127.0.0.1", "172.16.0.1", "172.31.255.1", "169.254.1.1"}) {
    EXPECT_TRUE(parse_lan_address(near, 80)) << near;
  }
  for (const char* far : {"8.8.8.8", "172.32.0.1", "192.169.0.1", "miner.local", "10.0.0", "",
                          "10.0.0.1:0", "10.0.0.1:70000", "10.0.0.1:x", "::1"}) {
    EXPECT_FALSE(parse_lan_address(far, 80)) << far;
  }
}

TEST(HttpExchangeTest, RepliesAreReadInEveryFraming) {
  EXPECT_EQ(parse_http_reply("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")->body, "{}");
  EXPECT_EQ(parse_http_reply("HTTP/1.0 200 OK\r\n\r\nto the end")->body, "to the end");
  EXPECT_EQ(parse_http_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
                ->body,
            "abcde");
  EXPECT_EQ(parse_http_reply("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")->status,
            401);
  for (const char* cut :
       {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "hello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"}) {
    EXPECT_EQ(parse_http_reply(cut).error().code, ErrorCode::kDataLoss) << cut;
  }
  const std::string endless = "HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'a');
  EXPECT_FALSE(parse_http_reply(endless));
}

TEST(HttpExchangeTest, AHalfOpenSocketEndsWithTheTimeAllowed) {
  const ScriptedServer server([](const std::string&) { return ""; });
  const auto reply = http_exchange(server.address(), "GET", "/", "", std::chrono::milliseconds(30));
  EXPECT_EQ(reply.error().code, ErrorCode::kDeadlineExceeded);
}

TEST(HttpExchangeTest, ARequestIsWhatADeviceExpects) {
  const ScriptedServer server(
      [](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"; });
  const auto reply =
      http_exchange(server.address(), "PATCH", "/api/system", "{\"a\":1}", std::chrono::seconds(5));
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->body, "ok");
  const std::string request = server.requests().at(0);
  EXPECT_THAT(request, testing::StartsWith("PATCH /api/system HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_THAT(request, HasSubstr("Content-Length: 7\r\n"));
  EXPECT_THAT(request, testing::EndsWith("\r\n\r\n{\"a\":1}"));
}

}  // namespace
}  // namespace calx::device
