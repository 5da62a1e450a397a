// What a miner says of itself, whichever of the two web interfaces it has. Every figure is the
// device's own word.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "calx/device/axeos_client.h"
#include "calx/device/cgminer_api.h"

namespace calx::device {

enum class MinerApi : std::uint8_t { kAxeos, kCgminer };
/// "axeos" or "cgminer".
std::string_view to_string(MinerApi api) noexcept;
/// Errors: kInvalidArgument.
Result<MinerApi> parse_miner_api(std::string_view name);
/// 80 or 4028.
std::uint16_t default_port(MinerApi api) noexcept;

struct Telemetry {
  MinerApi api = MinerApi::kAxeos;
  std::string model = {}, firmware = {}, host = {}, pool = {};  // empty: not said
  std::optional<double> ghs = {}, watts = {}, celsius = {}, regulator_celsius = {};
  std::optional<double> error_percent = {};  // of the chip's returns, as the firmware counts them
  std::optional<double> accepted = {}, rejected = {}, pool_difficulty = {}, uptime_seconds = {};
  bool paused = false, overheated = false;
};

/// Why the device is too hot; nothing when it is not, or does not say.
std::optional<std::string> too_hot(const Telemetry& telemetry, const HeatPolicy& policy);

/// Called before each connection; false: do not, give up.
using BeforeConnect = std::function<bool()>;

/// One request to AxeOS; to cgminer four, of which the last three may stay unanswered.
/// Errors: those of read_axeos and ask_cgminer; kDataLoss for JSON that is no miner's; kCancelled
/// when `before` says no.
Result<Telemetry> read_telemetry(MinerApi api, const LanAddress& device, Patience patience,
                                 const BeforeConnect& before = {});

}  // namespace calx::device
