// Goal: a miner is pointed at the bridge and back, and the way back is never lost.
// Method: scripted AxeOS devices of three generations (flat, list, and one that ignores what it is
// told) and a scripted cgminer keep what they are given; plans are saved, loaded and undone.
#include "calx/device/redirect.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "calx/base/atomic_file.h"
#include "calx/device/scripted_server.h"

namespace calx::device {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const AxeosPool kBridge{"192.168.1.10", 3333, "calx.1"};
const AxeosPool kOld{"solo.pool", 3333, "bc1q.w"};
const AxeosPool kOldFallback{"backup.pool", 21496, "bc1q.x"};

enum class Generation { kFlat, kList, kDeaf };

// An AxeOS that keeps pools as its generation does.
class FakeAxeos {
 public:
  explicit FakeAxeos(Generation generation)
      : generation_(generation), server_([this](const std::string& text) { return on(text); }) {}
  [[nodiscard]] const LanAddress& address() const { return server_.address(); }
  [[nodiscard]] int restarts() const { return restarts_; }
  [[nodiscard]] std::vector<std::string> requests() const { return server_.requests(); }

 private:
  std::string on(const std::string& request) {
    const std::string body = request.substr(request.find("\r\n\r\n") + 4);
    if (request.starts_with("GET /api/system/info ")) return reply(info().dump());
    if (request.starts_with("PATCH /api/system ")) {
      patch(json::parse(body));
      return reply("");
    }
    if (request.starts_with("POST /api/system/restart ")) {
      ++restarts_;
      return reply(R"({"message":"System will restart shortly."})");
    }
    return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
  }
  static std::string reply(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  json info() {
    json info = {{"ASICModel", "BM1366"},
                 {"stratumURL", pools_[0].url},
                 {"stratumPort", pools_[0].port},
                 {"stratumUser", pools_[0].user},
                 {"fallbackStratumURL", pools_[1].url},
                 {"fallbackStratumPort", pools_[1].port},
                 {"fallbackStratumUser", pools_[1].user}};
    if (generation_ == Generation::kList) info["pools"] = json::array();
    return info;
  }
  void patch(const json& patch) {
    const auto take = [](AxeosPool& pool, const json& from, const std::string& prefix) {
      const auto key = [&prefix](std::string name) {
        if (prefix.empty()) return "s" + name;
        return prefix + "S" + name;
      };
      pool.url = from.value(key("tratumURL"), pool.url);
      pool.port = from.value(key("tratumPort"), pool.port);
      pool.user = from.value(key("tratumUser"), pool.user);
    };
    if (generation_ == Generation::kFlat) {
      take(pools_[0], patch, "");
      take(pools_[1], patch, "fallback");
    }
    if (generation_ == Generation::kList) {
      for (const json& entry : patch["pools"]) take(pools_[entry["id"].get<int>()], entry, "");
    }
  }

  Generation generation_;
  AxeosPool pools_[2] = {kOld, kOldFallback};
  int restarts_ = 0;
  ScriptedServer server_;
};

TEST(RedirectTest, AxeosOfBothGenerationsGoesThereAndBack) {
  for (const Generation generation : {Generation::kFlat, Generation::kList}) {
    const FakeAxeos device(generation);
    const auto plan = plan_redirect(MinerApi::kAxeos, device.address(), kBridge);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->primary, kOld);
    EXPECT_EQ(device.requests().size(), 1u) << "planning only reads";

    ASSERT_TRUE(apply(*plan)) << apply(*plan).error().message;
    auto info = read_axeos(device.address());
    ASSERT_TRUE(info);
    EXPECT_EQ(info->pool, kBridge);
    EXPECT_EQ(info->fallback, kOld);
    EXPECT_GE(device.restarts(), 1);

    ASSERT_TRUE(restore(*plan));
    info = read_axeos(device.address());
    EXPECT_EQ(info->pool, kOld);
    EXPECT_EQ(info->fallback, kOldFallback);
  }
}

TEST(RedirectTest, ADeviceThatIgnoresItsOrdersIsFoundOut) {
  const FakeAxeos device(Generation::kDeaf);
  const auto plan = plan_redirect(MinerApi::kAxeos, device.address(), kBridge);
  ASSERT_TRUE(plan);
  const auto failed = apply(*plan);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(failed.error().message, HasSubstr("solo.pool"));
  EXPECT_EQ(device.restarts(), 0);
}

TEST(RedirectTest, CgminerGetsAPoolSwitchesAndLosesItAgain) {
  struct Pool {
    int index;
    std::string url;
  };
  std::vector<Pool> pools = {{0, "stratum+tcp://solo.pool:3333"}, {1, "stratum+tcp://b:1"}};
  int active = 1;
  const ScriptedServer server([&](const std::string& request) {
    const json order = json::parse(request);
    const std::string command = order["command"], parameter = order.value("parameter", "");
    if (command == "addpool") pools.push_back({7, parameter.substr(0, parameter.find(','))});
    if (command == "switchpool") active = std::stoi(parameter);
    if (command == "removepool") {
      std::erase_if(pools, [&](const Pool& pool) { return pool.index == std::stoi(parameter); });
    }
    json reply = {{"STATUS", {{{"STATUS", "S"}}}}, {"POOLS", json::array()}};
    for (const Pool& pool : pools) {
      reply["POOLS"].push_back(
          {{"POOL", pool.index}, {"URL", pool.url}, {"Stratum Active", pool.index == active}});
    }
    return reply.dump() + '\0';
  });
  const auto plan = plan_redirect(MinerApi::kCgminer, server.address(), kBridge);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->active_pool, 1);
  ASSERT_TRUE(apply(*plan));
  EXPECT_EQ(active, 7);
  EXPECT_EQ(pools.back().url, "stratum+tcp://192.168.1.10:3333");
  ASSERT_TRUE(restore(*plan));
  EXPECT_EQ(active, 1);
  EXPECT_EQ(pools.size(), 2u);
}

TEST(RedirectTest, APlanSurvivesItsFileAndASpoiltFileIsRefused) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("calx_redirect_" + std::to_string(::getpid()) + ".json");
  const LanAddress web{"10.0.0.7", 80}, api{"10.0.0.8", 4028};
  const RedirectPlan axeos{
      .device = web, .bridge = kBridge, .primary = kOld, .fallback = kOldFallback};
  const RedirectPlan cgminer{
      .api = MinerApi::kCgminer, .device = api, .bridge = kBridge, .active_pool = 2};
  for (const RedirectPlan& plan : {axeos, cgminer}) {
    ASSERT_TRUE(save_plan(plan, path));
    const auto again = load_plan(path);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(*again, plan);
    EXPECT_FALSE(describe(plan).empty());
  }
  for (const char* bad : {"", "{}", R"({"format":"calx-redirect-1","device":"10.0.0.1:80"})",
                          R"({"format":"calx-redirect-1","device":"8.8.8.8:80",
                              "bridge":{"url":"a","port":1,"user":"u"}})"}) {
    ASSERT_TRUE(write_file(path, bad));
    EXPECT_FALSE(load_plan(path)) << bad;
  }
  std::filesystem::remove(path);
  EXPECT_EQ(load_plan(path).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace calx::device
