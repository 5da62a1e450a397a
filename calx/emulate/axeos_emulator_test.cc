// Goal: the emulated web API breaks where the real one breaks.
// Method: vector and fault tests of both generations of the pool settings, of checks before writes,
// of what a restart changes, and of the types of fields; requests in pieces over a socket.
#include "calx/emulate/axeos_emulator.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "calx/emulate/axeos_server.h"

namespace calx::emulate {
namespace {

constexpr const char* kFlatPatch =
    R"({"stratumURL":"192.168.1.10","stratumPort":3333,"stratumUser":"w"})";
constexpr const char* kListPatch =
    R"({"pools":[{"id":0,"stratumURL":"192.168.1.10","stratumPort":3333,"stratumUser":"w"}]})";

AxeosEmulator emulator_of(AxeosGeneration generation) {
  return AxeosEmulator::open("lv06", generation).value();
}

nlohmann::json info_of(AxeosEmulator& emulator) {
  return nlohmann::json::parse(emulator.handle("GET", "/api/system/info", "").body);
}

TEST(AxeosEmulatorTest, OldFirmwareTakesTheFlatFormAndIgnoresTheList) {
  AxeosEmulator emulator = emulator_of(AxeosGeneration::kFlat);
  EXPECT_EQ(emulator.handle("PATCH", "/api/system", kListPatch).status, 200);
  EXPECT_EQ(info_of(emulator)["stratumURL"], "pool.example");
  EXPECT_EQ(emulator.handle("PATCH", "/api/system", kFlatPatch).status, 200);
  EXPECT_EQ(info_of(emulator)["stratumURL"], "192.168.1.10");
  EXPECT_FALSE(info_of(emulator).contains("pools"));
  EXPECT_TRUE(info_of(emulator)["bestDiff"].is_string());
}

TEST(AxeosEmulatorTest, NewFirmwareTakesTheListAndIgnoresTheFlatFormWith200) {
  AxeosEmulator emulator = emulator_of(AxeosGeneration::kPools);
  EXPECT_EQ(emulator.handle("PATCH", "/api/system", kFlatPatch).status, 200);
  EXPECT_EQ(info_of(emulator)["stratumURL"], "pool.example");
  EXPECT_EQ(emulator.handle("PATCH", "/api/system", kListPatch).status, 200);
  EXPECT_EQ(info_of(emulator)["stratumURL"], "192.168.1.10");
  EXPECT_EQ(emulator.handle("PUT", "/api/system/pools/1", R"({"stratumPort":4444})").status, 200);
  EXPECT_EQ(info_of(emulator)["fallbackStratumPort"], 4444);
  EXPECT_EQ(info_of(emulator)["pools"][0]["stratumPassword"], "*****");
}

TEST(AxeosEmulatorTest, ThePoolChangesAtTheRestart) {
  AxeosEmulator emulator = emulator_of(AxeosGeneration::kFlat);
  emulator.handle("PATCH", "/api/system", kFlatPatch);
  EXPECT_EQ(emulator.pool().url, "pool.example");
  EXPECT_EQ(emulator.handle("POST", "/api/system/restart", "").body,
            R"({"message":"System will restart shortly."})");
  EXPECT_EQ(emulator.pool().url, "192.168.1.10");
  EXPECT_EQ(emulator.restarts(), 1u);
}

TEST(AxeosEmulatorTest, OneWrongValueAndNothingIsWritten) {
  for (const auto generation : {AxeosGeneration::kFlat, AxeosGeneration::kPools}) {
    AxeosEmulator emulator = emulator_of(generation);
    const auto before = info_of(emulator);
    for (const char* body :
         {"", "[]", "{", R"({"frequency":500,"coreVoltage":0})", R"({"frequency":"500"})",
          R"({"frequency":500,"overheat_mode":1})",
          R"({"frequency":500,"stratumPort":0,"pools":[{"id":0,"stratumPort":0}]})",
          R"({"frequency":500,"stratumURL":7,"pools":[{"id":9}]})"}) {
      const HttpAnswer answer = emulator.handle("PATCH", "/api/system", body);
      EXPECT_EQ(answer.status, 400) << body;
      EXPECT_EQ(answer.body, "Wrong API input");
      EXPECT_EQ(info_of(emulator), before) << body;
    }
    EXPECT_EQ(emulator.handle("PATCH", "/api/system", R"({"unknown":1})").status, 200);
    EXPECT_EQ(emulator.handle("PATCH", "/api/system", std::string(20'000, ' ')).status, 400);
    EXPECT_EQ(emulator.handle("POST", "/api/reboot", "").status, 404);
  }
}

TEST(AxeosEmulatorTest, TelemetryFollowsTheClockAndTheHeat) {
  AxeosEmulator emulator = emulator_of(AxeosGeneration::kFlat);
  EXPECT_NEAR(info_of(emulator)["hashRate"].get<double>(), 433.59, 0.01);
  emulator.handle("PATCH", "/api/system", R"({"frequency":400})");
  EXPECT_NEAR(info_of(emulator)["hashRate"].get<double>(), 433.59 * 400 / 485, 0.01);
  emulator.telemetry.overheated = true;
  EXPECT_EQ(info_of(emulator)["hashRate"], 0);
  EXPECT_EQ(info_of(emulator)["overheat_mode"], 1);
  emulator.telemetry.best_difficulty = 18.7e6;
  EXPECT_EQ(info_of(emulator)["bestDiff"], "18.7M");
  EXPECT_FALSE(AxeosEmulator::open("s9", AxeosGeneration::kFlat));
}

TEST(AxeosEmulatorTest, NewFirmwarePausesAndResumesAndOldDoesNot) {
  AxeosEmulator emulator = emulator_of(AxeosGeneration::kPools);
  EXPECT_EQ(emulator.handle("POST", "/api/system/pause", "").status, 200);
  EXPECT_EQ(info_of(emulator)["miningPaused"], true);
  EXPECT_EQ(info_of(emulator)["hashRate"], 0);
  EXPECT_EQ(emulator.handle("POST", "/api/system/resume", "").status, 200);
  EXPECT_FALSE(emulator.paused());
  emulator.handle("POST", "/api/system/pause", "");
  emulator.handle("POST", "/api/system/restart", "");
  EXPECT_FALSE(emulator.paused()) << "a restart mines again";
  AxeosEmulator old = emulator_of(AxeosGeneration::kFlat);
  EXPECT_EQ(old.handle("POST", "/api/system/pause", "").status, 404);
}

// Sends a request in two pieces and reads to the end.
std::string exchange(std::uint16_t port, const std::string& request) {
  const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const std::size_t half = request.size() / 2;
  EXPECT_GE(::send(connection, request.data(), half, MSG_NOSIGNAL), 0);
  EXPECT_GE(::send(connection, request.data() + half, request.size() - half, MSG_NOSIGNAL), 0);
  ::shutdown(connection, SHUT_WR);
  std::string answer;
  char chunk[4096];
  for (ssize_t got; (got = ::recv(connection, chunk, sizeof chunk, 0)) > 0;) {
    answer.append(chunk, static_cast<std::size_t>(got));
  }
  ::close(connection);
  return answer;
}

TEST(AxeosServerTest, AnswersOverASocketAndBreaksWhenAskedTo) {
  const auto server = AxeosServer::start(emulator_of(AxeosGeneration::kFlat), 0).value();
  const std::string get = "GET /api/system/info HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string info = exchange(server->port(), get);
  EXPECT_TRUE(info.starts_with("HTTP/1.1 200 OK\r\n")) << info;
  const auto body = nlohmann::json::parse(info.substr(info.find("\r\n\r\n") + 4));
  EXPECT_EQ(body["ASICModel"], "BM1366");

  const std::string patch = "PATCH /api/system HTTP/1.1\r\nHost: a\r\nContent-Length: " +
                            std::to_string(std::string_view(kFlatPatch).size()) + "\r\n\r\n" +
                            kFlatPatch;
  EXPECT_TRUE(exchange(server->port(), patch).starts_with("HTTP/1.1 200 OK\r\n"));
  server->with_emulator(
      [](AxeosEmulator& emulator) { EXPECT_EQ(info_of(emulator)["stratumURL"], "192.168.1.10"); });

  server->set_fault(AxeosFault::kCutAnswer);
  EXPECT_LT(exchange(server->port(), get).size(), info.size());
  server->set_fault(AxeosFault::kNotJson);
  EXPECT_NE(exchange(server->port(), get).find("<!doctype html>"), std::string::npos);
  server->set_fault(AxeosFault::kSilent);
  EXPECT_EQ(exchange(server->port(), get), "");
  EXPECT_EQ(exchange(server->port(), "nonsense\r\n\r\n"), "");
}

}  // namespace
}  // namespace calx::emulate
