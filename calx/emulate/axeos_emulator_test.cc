// Goal: the emulated web API breaks where the real one breaks.
// Method: vector and fault tests of both generations of the pool settings, of checks before writes,
// of what a restart changes, and of the types of fields.
#include "calx/emulate/axeos_emulator.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

}  // namespace
}  // namespace calx::emulate
