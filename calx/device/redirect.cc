#include "calx/device/redirect.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "calx/base/atomic_file.h"

namespace calx::device {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "calx-redirect-1";
constexpr unsigned kOwnerOnly = 0600;
constexpr std::uint16_t kStratumPort = 3333;

std::string show(const AxeosPool& pool) {
  return fmt::format("{}:{} as {}", pool.url, pool.port, pool.user);
}

std::string show(const std::optional<AxeosPool>& pool) { return pool ? show(*pool) : "none"; }

Result<void> patch_and_compare(const LanAddress& device, const AxeosPool& primary,
                               const std::optional<AxeosPool>& fallback) {
  CALX_TRY(patch_axeos(device, axeos_pool_patch(primary, fallback)));
  CALX_ASSIGN(info, read_axeos(device));
  if (info.pool != primary) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{}: shows the pool {} after it was given {}", device.to_string(),
                            show(info.pool), show(primary)));
  }
  const bool cleared = fallback && fallback->url.empty() && !info.fallback;
  if (fallback && !cleared && info.fallback != fallback) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{}: shows the fallback pool {} after it was given {}",
                            device.to_string(), show(info.fallback), show(*fallback)));
  }
  return {};
}

Result<void> restore_axeos(const RedirectPlan& plan) {
  const AxeosPool primary = plan.primary.value_or(AxeosPool{});
  CALX_TRY(patch_and_compare(plan.device, primary, plan.fallback));
  if (!plan.fallback) {
    // There was none. A request of its own, lest a firmware that refuses an empty name refuses the
    // primary pool with it.
    const AxeosPool none{.url = "", .port = kStratumPort, .user = ""};
    if (const auto cleared = patch_and_compare(plan.device, primary, none); !cleared) {
      CALX_TRY(restart_axeos(plan.device));
      return fail(
          cleared.error().code,
          "the primary pool is as it was, but the fallback pool stays: " + cleared.error().message);
    }
  }
  return restart_axeos(plan.device);
}

std::string cgminer_url(const AxeosPool& pool) {
  return fmt::format("stratum+tcp://{}:{}", pool.url, pool.port);
}

Result<std::vector<CgminerPool>> read_pools(const LanAddress& device) {
  CALX_ASSIGN(reply, ask_cgminer(device, "pools", "", kMinerTimeout));
  return cgminer_pools(reply);
}

Result<void> apply_cgminer(const RedirectPlan& plan) {
  const std::string url = cgminer_url(plan.bridge);
  CALX_TRY(ask_cgminer(plan.device, "addpool",
                       fmt::format("{},{},x", url, cgminer_escape(plan.bridge.user)),
                       kMinerTimeout));
  CALX_ASSIGN(pools, read_pools(plan.device));
  for (auto pool = pools.rbegin(); pool != pools.rend(); ++pool) {
    if (pool->url != url) continue;
    CALX_TRY(ask_cgminer(plan.device, "switchpool", std::to_string(pool->index), kMinerTimeout));
    return {};
  }
  return fail(ErrorCode::kDataLoss,
              fmt::format("{}: does not list {} after it was added", plan.device.to_string(), url));
}

Result<void> restore_cgminer(const RedirectPlan& plan) {
  CALX_TRY(ask_cgminer(plan.device, "switchpool", std::to_string(plan.active_pool.value_or(0)),
                       kMinerTimeout));
  CALX_ASSIGN(pools, read_pools(plan.device));
  for (const CgminerPool& pool : pools) {
    if (pool.url != cgminer_url(plan.bridge)) continue;
    CALX_TRY(ask_cgminer(plan.device, "removepool", std::to_string(pool.index), kMinerTimeout));
    break;
  }
  return {};
}

json to_json(const AxeosPool& pool) {
  return {{"url", pool.url}, {"port", pool.port}, {"user", pool.user}};
}

std::optional<AxeosPool> pool_of(const json& object) {
  if (!object.is_object() || !object.contains("url") || !object["url"].is_string() ||
      !object.contains("user") || !object["user"].is_string() || !object.contains("port") ||
      !object["port"].is_number_unsigned() || object["port"].get<std::uint64_t>() > 65535) {
    return std::nullopt;
  }
  return AxeosPool{.url = object["url"].get<std::string>(),
                   .port = object["port"].get<std::uint16_t>(),
                   .user = object["user"].get<std::string>()};
}

}  // namespace

Result<RedirectPlan> plan_redirect(MinerApi api, const LanAddress& device,
                                   const AxeosPool& bridge) {
  RedirectPlan plan{.api = api, .device = device, .bridge = bridge};
  if (api == MinerApi::kAxeos) {
    CALX_ASSIGN(info, read_axeos(device));
    if (!info.pool) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("{}: says no pool that could be restored", device.to_string()));
    }
    plan.primary = info.pool;
    plan.fallback = info.fallback;
    return plan;
  }
  CALX_ASSIGN(pools, read_pools(device));
  for (const CgminerPool& pool : pools) {
    const bool better = pool.active || !plan.active_pool;
    if (better) plan.active_pool = pool.index;
    if (pool.active) break;
  }
  if (!plan.active_pool) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}: lists no pool that could be restored", device.to_string()));
  }
  return plan;
}

std::vector<std::string> describe(const RedirectPlan& plan) {
  if (plan.api == MinerApi::kCgminer) {
    return {fmt::format("addpool {} as {}", cgminer_url(plan.bridge), plan.bridge.user),
            fmt::format("switchpool to it; pool {} stays behind it", plan.active_pool.value_or(0))};
  }
  std::vector<std::string> lines = {
      fmt::format("primary pool: {}, was {}", show(plan.bridge), show(plan.primary))};
  if (plan.primary) {
    lines.push_back(
        fmt::format("fallback pool: {}, was {}", show(*plan.primary), show(plan.fallback)));
  }
  lines.emplace_back("restart, so that it connects; frequency and voltage stay as they are");
  return lines;
}

std::vector<std::string> describe_restore(const RedirectPlan& plan) {
  if (plan.api == MinerApi::kCgminer) {
    return {fmt::format("switchpool to pool {}", plan.active_pool.value_or(0)),
            fmt::format("removepool {}", cgminer_url(plan.bridge))};
  }
  return {fmt::format("primary pool: {}", show(plan.primary)),
          fmt::format("fallback pool: {}", show(plan.fallback)), "restart, so that it connects"};
}

Result<void> apply(const RedirectPlan& plan) {
  if (plan.api == MinerApi::kCgminer) return apply_cgminer(plan);
  CALX_TRY(patch_and_compare(plan.device, plan.bridge, plan.primary));
  return restart_axeos(plan.device);
}

Result<void> restore(const RedirectPlan& plan) {
  if (plan.api == MinerApi::kCgminer) return restore_cgminer(plan);
  return restore_axeos(plan);
}

Result<void> save_plan(const RedirectPlan& plan, const std::filesystem::path& path) {
  json root = {{"format", kFormat},
               {"api", to_string(plan.api)},
               {"device", plan.device.to_string()},
               {"bridge", to_json(plan.bridge)}};
  if (plan.primary) root["primary"] = to_json(*plan.primary);
  if (plan.fallback) root["fallback"] = to_json(*plan.fallback);
  if (plan.active_pool) root["active_pool"] = *plan.active_pool;
  return write_file(path, root.dump(2, ' ', true, json::error_handler_t::replace) + "\n",
                    kOwnerOnly);
}

Result<RedirectPlan> load_plan(const std::filesystem::path& path) {
  CALX_ASSIGN(bytes, read_file(path, kRedirectFileBytesMax));
  const json root = json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  const auto text = [&root](const char* key) -> std::string {
    return root.contains(key) && root[key].is_string() ? root[key].get<std::string>() : "";
  };
  const auto pool = [&root](const char* key) {
    return root.contains(key) ? pool_of(root[key]) : std::nullopt;
  };
  const auto bridge = root.is_object() ? pool("bridge") : std::nullopt;
  if (!bridge || text("format") != kFormat) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{}: no saved redirection of format {}", path.string(), kFormat));
  }
  CALX_ASSIGN(device, parse_lan_address(text("device"), 0));
  RedirectPlan plan{.device = device, .bridge = *bridge};
  plan.api = text("api") == to_string(MinerApi::kCgminer) ? MinerApi::kCgminer : MinerApi::kAxeos;
  plan.primary = pool("primary"), plan.fallback = pool("fallback");
  if (root.contains("active_pool") && root["active_pool"].is_number_unsigned()) {
    plan.active_pool = root["active_pool"].get<int>();
  }
  const bool whole =
      plan.api == MinerApi::kAxeos ? plan.primary.has_value() : plan.active_pool.has_value();
  if (!whole) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("{}: does not say what was there before", path.string()));
  }
  return plan;
}

}  // namespace calx::device
