#include "calx/device/axeos.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "calx/device/bm13xx_kind.h"

namespace calx::device {
namespace {

using nlohmann::json;

// Names of one field through the generations, newest first.
using Names = std::initializer_list<const char*>;

std::optional<double> number(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) return parse_scaled(value.get_ref<const std::string&>());
  return std::nullopt;
}

std::optional<double> number(const json& object, Names names) {
  for (const char* name : names) {
    const auto found = object.find(name);
    if (found == object.end()) continue;
    if (const auto value = number(*found); value && std::isfinite(*value)) return value;
  }
  return std::nullopt;
}

// A temperature of -1 means that there is no sensor.
std::optional<double> celsius(const json& object, Names names) {
  for (const char* name : names) {
    if (const auto value = number(object, {name}); value && *value > 0) return value;
  }
  return std::nullopt;
}

std::optional<std::string> text(const json& object, Names names) {
  for (const char* name : names) {
    const auto found = object.find(name);
    if (found == object.end()) continue;
    if (found->is_string()) return found->get<std::string>();
    if (found->is_number_integer()) return std::to_string(found->get<std::int64_t>());
  }
  return std::nullopt;
}

bool flag(const json& object, Names names) { return number(object, names).value_or(0) != 0; }

std::optional<AxeosPool> pool(const json& object, const char* url, const char* port,
                              const char* user) {
  AxeosPool result{.url = text(object, {url}).value_or(""),
                   .user = text(object, {user}).value_or("")};
  const double number_of_port = number(object, {port}).value_or(0);
  if (number_of_port >= 1 && number_of_port <= 65535) {
    result.port = static_cast<std::uint16_t>(number_of_port);
  }
  if (result.url.empty()) return std::nullopt;
  return result;
}

json pool_entry(int id, const AxeosPool& pool) {
  return {
      {"id", id}, {"stratumURL", pool.url}, {"stratumPort", pool.port}, {"stratumUser", pool.user}};
}

}  // namespace

std::optional<double> parse_scaled(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (!suffix.empty() && suffix.front() == ' ') suffix.remove_prefix(1);
  while (!suffix.empty() && suffix.back() == ' ') suffix.remove_suffix(1);
  if (suffix.empty()) return value;
  constexpr std::string_view kScales = "kMGTPE";
  const std::size_t scale = kScales.find(suffix.front() == 'K' ? 'k' : suffix.front());
  if (suffix.size() != 1 || scale == std::string_view::npos) return std::nullopt;
  return value * std::pow(1000.0, static_cast<double>(scale + 1));
}

Result<AxeosInfo> parse_axeos_info(std::string_view bytes) {
  if (bytes.size() > kAxeosInfoBytesMax) {
    return fail(ErrorCode::kDataLoss, fmt::format("AxeOS info of {} bytes, at most {} are read",
                                                  bytes.size(), kAxeosInfoBytesMax));
  }
  const json root = json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) return fail(ErrorCode::kDataLoss, "AxeOS info is no JSON object");
  AxeosInfo info;
  info.chip = text(root, {"ASICModel", "asicModel"});
  info.version = text(root, {"axeOSVersion", "version"});
  info.board = text(root, {"boardVersion"});
  info.hostname = text(root, {"hostname"});
  info.mac = text(root, {"macAddr"});
  info.ghs = number(root, {"hashRate", "hashRate_10m", "hashrate"});
  info.watts = number(root, {"power"});
  info.celsius = celsius(root, {"temp", "temp2", "boardtemp1"});
  info.regulator_celsius = celsius(root, {"vrTemp"});
  info.mhz = number(root, {"frequency"});
  info.core_mv = number(root, {"coreVoltageActual", "coreVoltage"});
  info.core_mv_set = number(root, {"coreVoltage"});
  info.error_percent = number(root, {"errorPercentage"});
  info.fan_percent = number(root, {"fanspeed", "fanSpeed"});
  info.fan_rpm = number(root, {"fanrpm", "fanSpeedRpm"});
  info.best_difficulty = number(root, {"bestDiff"});
  info.pool_difficulty = number(root, {"poolDifficulty", "stratumDiff", "stratumDifficulty"});
  info.accepted = number(root, {"sharesAccepted"});
  info.rejected = number(root, {"sharesRejected"});
  info.uptime_seconds = number(root, {"uptimeSeconds"});
  info.paused = flag(root, {"miningPaused"});
  info.overheated = flag(root, {"overheat_mode"});
  info.on_fallback = flag(root, {"isUsingFallbackStratum"});
  info.pool = pool(root, "stratumURL", "stratumPort", "stratumUser");
  info.fallback = pool(root, "fallbackStratumURL", "fallbackStratumPort", "fallbackStratumUser");
  const auto list = root.find("pools");
  info.has_pool_list = list != root.end() && list->is_array();
  if (!info.has_pool_list) return info;
  for (const json& entry : *list) {
    if (!entry.is_object()) continue;
    const auto id = number(entry, {"id"});
    if (id == 0 && !info.pool) info.pool = pool(entry, "stratumURL", "stratumPort", "stratumUser");
    if (id == 1 && !info.fallback) {
      info.fallback = pool(entry, "stratumURL", "stratumPort", "stratumUser");
    }
  }
  return info;
}

std::string axeos_pool_patch(const AxeosPool& primary, const std::optional<AxeosPool>& fallback) {
  json patch = {{"stratumURL", primary.url},
                {"stratumPort", primary.port},
                {"stratumUser", primary.user},
                {"pools", json::array({pool_entry(0, primary)})},
                {"primaryPoolIndex", 0}};
  if (fallback) {
    patch["fallbackStratumURL"] = fallback->url;
    patch["fallbackStratumPort"] = fallback->port;
    patch["fallbackStratumUser"] = fallback->user;
    patch["pools"].push_back(pool_entry(1, *fallback));
    patch["secondaryPoolIndex"] = 1;
  }
  return patch.dump(-1, ' ', true, json::error_handler_t::replace);
}

Result<std::string> axeos_tuning_patch(std::string_view chip, std::optional<double> mhz,
                                       std::optional<double> core_mv) {
  std::string name(chip);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  CALX_ASSIGN(known, parse_bm13xx(name));
  const Bm13xxKind& kind = kind_of(known);
  if (!mhz && !core_mv) {
    return fail(ErrorCode::kInvalidArgument, "neither a frequency nor a voltage to set");
  }
  json patch = json::object();
  if (mhz) patch["frequency"] = clamp_mhz(kind, *mhz);
  if (core_mv) patch["coreVoltage"] = std::lround(clamp_mv(kind, *core_mv));
  return patch.dump();
}

std::optional<std::string> too_hot(const AxeosInfo& info, const HeatPolicy& policy) {
  if (info.overheated) return "the device says that it overheated";
  if (info.celsius && *info.celsius > policy.celsius_max) {
    return fmt::format("the chip is at {} C, at most {} are allowed", *info.celsius,
                       policy.celsius_max);
  }
  if (info.regulator_celsius && *info.regulator_celsius > policy.regulator_celsius_max) {
    return fmt::format("the voltage regulator is at {} C, at most {} are allowed",
                       *info.regulator_celsius, policy.regulator_celsius_max);
  }
  return std::nullopt;
}

}  // namespace calx::device
