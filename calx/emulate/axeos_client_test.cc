// Goal: the AxeOS client and the ways of redirect and tuning work against a whole device.
// Method: the emulated device of both generations behind its socket; every change is read back from
// the emulator itself, not through the client; each fault of the server is met once.
#include "calx/device/axeos_client.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "calx/device/discovery.h"
#include "calx/device/redirect.h"
#include "calx/device/tuning.h"
#include "calx/emulate/axeos_server.h"

namespace calx::emulate {
namespace {

using device::AxeosPool;
using device::LanAddress;
using device::MinerApi;

constexpr std::chrono::milliseconds kShort{300};
const AxeosPool kBridge{"192.168.1.10", 3333, "calx.1"};

struct Running {
  explicit Running(AxeosGeneration generation)
      : server(
            AxeosServer::start(AxeosEmulator::open("bitaxe-gamma", generation).value(), 0).value()),
        address{"127.0.0.1", server->port()} {}

  // What the emulator has in force, and in store.
  [[nodiscard]] AxeosPool pool(bool fallback) const {
    AxeosPoolSetting setting;
    server->with_emulator([&](const AxeosEmulator& emulator) {
      setting = fallback ? emulator.fallback() : emulator.pool();
    });
    return {setting.url, setting.port, setting.user};
  }
  [[nodiscard]] unsigned restarts() const {
    unsigned count = 0;
    server->with_emulator([&](const AxeosEmulator& emulator) { count = emulator.restarts(); });
    return count;
  }

  std::unique_ptr<AxeosServer> server;
  LanAddress address;
};

class AxeosClientTest : public testing::TestWithParam<AxeosGeneration> {
 protected:
  Running device_{GetParam()};
};

TEST_P(AxeosClientTest, InfoIsReadWhateverTheFieldsAreCalled) {
  device_.server->with_emulator([](AxeosEmulator& emulator) {
    emulator.telemetry.celsius = 58.5;
    emulator.telemetry.best_difficulty = 18.7e6;
    emulator.telemetry.pool_difficulty = 512;
    emulator.telemetry.accepted = 7;
  });
  for (const AxeosFault fault : {AxeosFault::kNone, AxeosFault::kRenamed}) {
    device_.server->set_fault(fault);
    const auto info = device::read_axeos(device_.address);
    ASSERT_TRUE(info) << info.error().message;
    EXPECT_EQ(info->chip, "BM1370");
    EXPECT_NEAR(info->ghs.value_or(0), 1071, 1);
    EXPECT_EQ(info->celsius, 58.5);
    EXPECT_EQ(info->best_difficulty, 18.7e6) << "text in old firmware, a number in new";
    EXPECT_EQ(info->pool_difficulty, 512);
    EXPECT_EQ(info->accepted, 7);
    EXPECT_EQ(info->fan_rpm, 3600);
    EXPECT_EQ(info->pool, device_.pool(false));
    EXPECT_EQ(info->fallback, device_.pool(true));
    EXPECT_EQ(info->has_pool_list, GetParam() == AxeosGeneration::kPools);
  }
}

TEST_P(AxeosClientTest, ARedirectionIsPlannedAppliedSavedAndUndone) {
  const AxeosPool old = device_.pool(false), old_fallback = device_.pool(true);
  const auto plan = device::plan_redirect(MinerApi::kAxeos, device_.address, kBridge);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_THAT(describe(*plan), testing::SizeIs(3));
  EXPECT_EQ(device_.pool(false), old) << "a plan changes nothing";
  EXPECT_EQ(device_.restarts(), 0u);

  const auto path = std::filesystem::temp_directory_path() /
                    ("calx_axeos_client_" + std::to_string(::getpid()) + ".json");
  ASSERT_TRUE(device::save_plan(*plan, path));
  ASSERT_TRUE(device::apply(*plan)) << device::apply(*plan).error().message;
  EXPECT_EQ(device_.pool(false), kBridge) << "in force, so it restarted";
  EXPECT_EQ(device_.pool(true), old) << "the owner's pool is the fallback";

  const auto saved = device::load_plan(path);
  std::filesystem::remove(path);
  ASSERT_TRUE(saved);
  ASSERT_TRUE(device::restore(*saved));
  EXPECT_EQ(device_.pool(false), old);
  EXPECT_EQ(device_.pool(true), old_fallback);
}

TEST_P(AxeosClientTest, ADeviceWithoutAFallbackHasNoneAgainAfterItsRestore) {
  ASSERT_TRUE(device::patch_axeos(
      device_.address,
      device::axeos_pool_patch({"solo.pool", 3333, "w"}, AxeosPool{"", 3333, ""})));
  const auto plan = device::plan_redirect(MinerApi::kAxeos, device_.address, kBridge);
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->fallback);
  ASSERT_TRUE(device::apply(*plan));
  EXPECT_EQ(device_.pool(true).url, "solo.pool");
  const auto restored = device::restore(*plan);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(device_.pool(false).url, "solo.pool");
  EXPECT_EQ(device_.pool(true).url, "");
}

TEST_P(AxeosClientTest, TuningIsClampedReadBackAndUndone) {
  const auto mhz = [this] {
    double value = 0;
    device_.server->with_emulator([&](const AxeosEmulator& emulator) { value = emulator.mhz(); });
    return value;
  };
  const double before = mhz();
  const auto plan = device::plan_tuning(device_.address, {.mhz = 5000, .core_mv = 1100});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(mhz(), before);
  ASSERT_TRUE(device::apply(*plan));
  EXPECT_EQ(mhz(), 625);
  EXPECT_EQ(device::read_axeos(device_.address)->core_mv_set, 1100);
  ASSERT_TRUE(device::restore(*plan));
  EXPECT_EQ(mhz(), before);
  EXPECT_EQ(device_.restarts(), 0u) << "it takes effect without one";
}

TEST_P(AxeosClientTest, PauseStopsTheChipsWhereTheFirmwareHasIt) {
  const auto paused = device::pause_axeos(device_.address);
  if (GetParam() == AxeosGeneration::kFlat) {
    ASSERT_FALSE(paused);
    EXPECT_EQ(paused.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(paused.error().message, testing::HasSubstr("404"));
    return;
  }
  ASSERT_TRUE(paused);
  EXPECT_TRUE(device::read_axeos(device_.address)->paused);
  EXPECT_EQ(device::read_axeos(device_.address)->ghs, 0);
  ASSERT_TRUE(device::resume_axeos(device_.address));
  EXPECT_FALSE(device::read_axeos(device_.address)->paused);
}

TEST_P(AxeosClientTest, ARefusedPatchChangesNothingAndSaysSo) {
  const auto refused = device::patch_axeos(device_.address, R"({"frequency":500,"coreVoltage":0})");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("400 Wrong API input"));
  EXPECT_EQ(device::read_axeos(device_.address)->mhz, 525);
}

TEST_P(AxeosClientTest, ASearchFindsIt) {
  const auto targets =
      device::expand_range("127.0.0.1:" + std::to_string(device_.address.port)).value();
  const auto report = device::search_miners(targets, {}, {});
  ASSERT_TRUE(report);
  ASSERT_EQ(report->miners.size(), 1u);
  EXPECT_EQ(report->miners[0].address, device_.address);
  EXPECT_EQ(report->miners[0].telemetry.host, "calx-emulator-bitaxe-gamma") << "it says so itself";
  EXPECT_EQ(report->miners[0].telemetry.pool, "pool.example:3333");
}

TEST_P(AxeosClientTest, EveryBrokenAnswerEndsInTimeWithAnError) {
  const std::pair<AxeosFault, ErrorCode> kFaults[] = {
      {AxeosFault::kSilent, ErrorCode::kDeadlineExceeded},
      {AxeosFault::kStalled, ErrorCode::kDeadlineExceeded},
      {AxeosFault::kCutAnswer, ErrorCode::kDataLoss},
      {AxeosFault::kNotJson, ErrorCode::kDataLoss}};
  for (const auto& [fault, code] : kFaults) {
    Running broken(GetParam());  // a server of its own: a silent one stays busy with its caller
    broken.server->set_fault(fault);
    const auto info = device::read_axeos(broken.address, kShort);
    ASSERT_FALSE(info) << static_cast<int>(fault);
    EXPECT_EQ(info.error().code, code) << info.error().message;
  }
  std::uint16_t closed = 0;
  {
    const Running gone(GetParam());
    closed = gone.address.port;
  }
  EXPECT_EQ(device::read_axeos({"127.0.0.1", closed}, kShort).error().code,
            ErrorCode::kUnavailable);
}

INSTANTIATE_TEST_SUITE_P(BothGenerations, AxeosClientTest,
                         testing::Values(AxeosGeneration::kFlat, AxeosGeneration::kPools),
                         [](const auto& generation) {
                           return generation.param == AxeosGeneration::kFlat ? "Flat" : "Pools";
                         });

}  // namespace
}  // namespace calx::emulate
