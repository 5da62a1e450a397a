// What AxeOS (ESP-Miner and its forks) says and understands over REST: pure functions over text.
//
// Every field may be missing, renamed or of another type: firmware of all generations is read.
// Sources: ESP-Miner main/http_server/{http_server.c,system_api_json.c,openapi.yaml}, v2.1 to
// master @5c277131. No device was at hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "calx/base/result.h"

namespace calx::device {

inline constexpr std::size_t kAxeosInfoBytesMax = 64 * 1024;

struct AxeosPool {
  std::string url = {};  // without scheme and port
  std::uint16_t port = 0;
  std::string user = {};

  friend bool operator==(const AxeosPool&, const AxeosPool&) = default;
};

struct AxeosInfo {
  std::optional<std::string> chip = {}, version = {}, board = {}, hostname = {}, mac = {};
  std::optional<double> ghs = {}, watts = {}, celsius = {}, regulator_celsius = {};
  std::optional<double> mhz = {}, core_mv = {}, fan_percent = {}, fan_rpm = {};
  std::optional<double> core_mv_set = {};    // as it was asked for; core_mv is what is measured
  std::optional<double> error_percent = {};  // of what the chip returned; only new firmware counts
  std::optional<double> best_difficulty = {}, pool_difficulty = {};
  std::optional<double> accepted = {}, rejected = {}, uptime_seconds = {};
  bool paused = false, overheated = false, on_fallback = false;
  std::optional<AxeosPool> pool = {}, fallback = {};
  bool has_pool_list = false;  // firmware since PR #1795, which ignores the flat fields in a PATCH
};

/// Errors: kDataLoss for what is no JSON object, or too long.
Result<AxeosInfo> parse_axeos_info(std::string_view text);

/// "18.7M" and its like as a number; plain numbers too. Nothing for other text.
std::optional<double> parse_scaled(std::string_view text);

/// One PATCH that firmware of both generations obeys: the flat fields, and the list with `primary`
/// as entry 0 and `fallback` as entry 1. Passwords are not sent: they cannot be read back either,
/// so what is set stays.
std::string axeos_pool_patch(const AxeosPool& primary, const std::optional<AxeosPool>& fallback);

/// A PATCH of clock and core voltage, clamped to the chip's limits in bm13xx_kind.h.
/// Errors: kInvalidArgument for a chip that is not in the table, or nothing to change.
Result<std::string> axeos_tuning_patch(std::string_view chip, std::optional<double> mhz,
                                       std::optional<double> core_mv);

/// When to stop asking a device for work.
struct HeatPolicy {
  double celsius_max = 70, regulator_celsius_max = 95;
};
/// Why the device is too hot; nothing when it is not, or does not say.
std::optional<std::string> too_hot(const AxeosInfo& info, const HeatPolicy& policy);

}  // namespace calx::device
