// Goal: clock and voltage change only as asked, inside the chip's limits, and go back.
// Method: a scripted AxeOS keeps what it is given, shows the voltage that it measures beside the
// one that was asked for, and can be deaf; saved plans are read again, spoilt ones refused.
#include "calx/device/tuning.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "calx/base/atomic_file.h"
#include "calx/device/scripted_server.h"

namespace calx::device {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class TunedAxeos {
 public:
  explicit TunedAxeos(json info, bool deaf = false)
      : info_(std::move(info)), deaf_(deaf), server_([this](const std::string& request) {
          const std::string body = request.substr(request.find("\r\n\r\n") + 4);
          if (request.starts_with("PATCH") && !deaf_) info_.update(json::parse(body));
          const std::string answer = request.starts_with("GET") ? info_.dump() : "";
          return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(answer.size()) +
                 "\r\n\r\n" + answer;
        }) {}
  [[nodiscard]] const LanAddress& address() const { return server_.address(); }
  [[nodiscard]] const json& info() const { return info_; }
  [[nodiscard]] std::size_t requests() const { return server_.requests().size(); }

 private:
  json info_;
  bool deaf_;
  ScriptedServer server_;
};

const json kGamma = {{"ASICModel", "BM1370"},
                     {"frequency", 525},
                     {"coreVoltage", 1150},
                     {"coreVoltageActual", 1138},
                     {"stratumURL", "solo.pool"}};

TEST(TuningTest, GoesThereAndBackAndTouchesNothingElse) {
  const TunedAxeos device(kGamma);
  const auto plan = plan_tuning(device.address(), {.mhz = 575, .core_mv = 1200});
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(device.requests(), 1u) << "planning only reads";
  EXPECT_EQ(plan->before, (Operation{525, 1150})) << "what was asked for, not what is measured";
  EXPECT_THAT(describe(*plan)[0], HasSubstr("575 MHz, was 525"));
  ASSERT_TRUE(apply(*plan));
  EXPECT_EQ(device.info()["frequency"], 575);
  EXPECT_EQ(device.info()["coreVoltage"], 1200);
  ASSERT_TRUE(restore(*plan));
  EXPECT_EQ(device.info(), kGamma);
}

TEST(TuningTest, TheChipsLimitsHoldThereAndBack) {
  json wild = kGamma;
  wild["frequency"] = 900;
  const TunedAxeos device(wild);
  const auto plan = plan_tuning(device.address(), {.mhz = 2000});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->wanted, (Operation{625, std::nullopt}));
  const auto lines = describe(*plan);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], HasSubstr("2000 was asked, outside the chip's limits"));
  EXPECT_THAT(lines[1], HasSubstr("a restore stops at them"));
  ASSERT_TRUE(apply(*plan));
  EXPECT_EQ(device.info()["coreVoltage"], 1150);
  ASSERT_TRUE(restore(*plan));
  EXPECT_EQ(device.info()["frequency"], 625);
}

TEST(TuningTest, NoLimitsNoValuesOrNothingAskedMeansNoPlan) {
  EXPECT_EQ(plan_tuning({"127.0.0.1", 9}, {}).error().code, ErrorCode::kInvalidArgument);
  const TunedAxeos unknown(json{{"ASICModel", "BM9999"}, {"frequency", 1}});
  EXPECT_EQ(plan_tuning(unknown.address(), {.mhz = 500}).error().code, ErrorCode::kInvalidArgument);
  const TunedAxeos silent(json{{"ASICModel", "BM1366"}});
  EXPECT_EQ(plan_tuning(silent.address(), {.mhz = 500}).error().code, ErrorCode::kUnavailable);
}

TEST(TuningTest, ADeviceThatIgnoresItsOrdersIsFoundOut) {
  const TunedAxeos device(kGamma, /*deaf=*/true);
  const auto plan = plan_tuning(device.address(), {.mhz = 500});
  ASSERT_TRUE(plan);
  EXPECT_EQ(apply(*plan).error().code, ErrorCode::kDataLoss);
}

TEST(TuningTest, APlanSurvivesItsFileAndASpoiltOneIsRefused) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("calx_tuning_" + std::to_string(::getpid()) + ".json");
  const TuningPlan plan{.device = {"10.0.0.7", 80},
                        .chip = "BM1366",
                        .asked = {900, 1200},
                        .wanted = {575, 1200},
                        .before = {485, 1150}};
  ASSERT_TRUE(save_plan(plan, path));
  const auto bytes = read_file(path, kTuningFileBytesMax);
  ASSERT_TRUE(bytes);
  std::filesystem::remove(path);
  const std::string text(bytes->begin(), bytes->end());
  EXPECT_EQ(parse_tuning(text).value(), plan);
  for (const auto& [from, to] : {std::pair("calx-tuning-1", "other-1"),
                                 {"10.0.0.7", "8.8.8.8"},
                                 {"BM1366", "BM0"},
                                 {"before", "after"}}) {
    std::string spoilt = text;
    spoilt.replace(spoilt.find(from), std::string(from).size(), to);
    EXPECT_FALSE(parse_tuning(spoilt)) << to;
  }
  EXPECT_FALSE(parse_tuning("[]"));
}

}  // namespace
}  // namespace calx::device
