#include "calx/device/telemetry.h"

#include <fmt/format.h>

namespace calx::device {
namespace {

constexpr std::uint16_t kPorts[] = {kAxeosPort, kCgminerPort};

bool may_connect(const BeforeConnect& before) { return !before || before(); }

std::unexpected<Error> given_up(const LanAddress& device) {
  return fail(ErrorCode::kCancelled, device.to_string() + ": not asked any more");
}

Result<Telemetry> read_one_axeos(const LanAddress& device, Patience patience) {
  CALX_ASSIGN(info, read_axeos(device, patience));
  if (!info.chip && !info.ghs) {
    return fail(ErrorCode::kDataLoss,
                device.to_string() + ": answers with JSON that names neither a chip nor a rate");
  }
  Telemetry telemetry{.api = MinerApi::kAxeos,
                      .model = info.chip.value_or(""),
                      .firmware = info.version.value_or(""),
                      .host = info.hostname.value_or(""),
                      .ghs = info.ghs,
                      .watts = info.watts,
                      .celsius = info.celsius,
                      .regulator_celsius = info.regulator_celsius,
                      .error_percent = info.error_percent,
                      .accepted = info.accepted,
                      .rejected = info.rejected,
                      .pool_difficulty = info.pool_difficulty,
                      .uptime_seconds = info.uptime_seconds,
                      .paused = info.paused,
                      .overheated = info.overheated};
  if (info.board) telemetry.model += " board " + *info.board;
  const auto& pool = info.on_fallback ? info.fallback : info.pool;
  if (pool) telemetry.pool = fmt::format("{}:{}", pool->url, pool->port);
  return telemetry;
}

Result<Telemetry> read_one_cgminer(const LanAddress& device, Patience patience,
                                   const BeforeConnect& before) {
  CALX_ASSIGN(reply, ask_cgminer(device, "summary", "", patience));
  if (reply.rows("SUMMARY").empty()) {
    return fail(ErrorCode::kDataLoss, device.to_string() + ": answers without a summary");
  }
  const CgminerSummary summary = cgminer_summary(reply);
  Telemetry telemetry{.api = MinerApi::kCgminer,
                      .ghs = summary.ghs,
                      .error_percent = summary.hardware_error_percent,
                      .accepted = summary.accepted,
                      .rejected = summary.rejected,
                      .uptime_seconds = summary.elapsed_seconds};
  if (!may_connect(before)) return telemetry;
  if (const auto version = ask_cgminer(device, "version", "", patience)) {
    const CgminerVersion known = cgminer_version(*version);
    telemetry.model = known.type, telemetry.firmware = known.program;
  }
  if (!may_connect(before)) return telemetry;
  if (const auto stats = ask_cgminer(device, "stats", "", patience)) {
    telemetry.celsius = cgminer_celsius(*stats);
  }
  if (!may_connect(before)) return telemetry;
  if (const auto pools = ask_cgminer(device, "pools", "", patience)) {
    for (const CgminerPool& pool : cgminer_pools(*pools)) {
      if (!pool.active) continue;
      telemetry.pool = pool.url, telemetry.pool_difficulty = pool.difficulty;
    }
  }
  return telemetry;
}

}  // namespace

std::string_view to_string(MinerApi api) noexcept {
  return api == MinerApi::kAxeos ? "axeos" : "cgminer";
}

Result<MinerApi> parse_miner_api(std::string_view name) {
  for (const MinerApi api : {MinerApi::kAxeos, MinerApi::kCgminer}) {
    if (name == to_string(api)) return api;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("interface \"{}\", wanted axeos or cgminer", name));
}

std::uint16_t default_port(MinerApi api) noexcept { return kPorts[static_cast<std::size_t>(api)]; }

std::optional<std::string> too_hot(const Telemetry& telemetry, const HeatPolicy& policy) {
  return too_hot(AxeosInfo{.celsius = telemetry.celsius,
                           .regulator_celsius = telemetry.regulator_celsius,
                           .overheated = telemetry.overheated},
                 policy);
}

Result<Telemetry> read_telemetry(MinerApi api, const LanAddress& device, Patience patience,
                                 const BeforeConnect& before) {
  if (!may_connect(before)) return given_up(device);
  if (api == MinerApi::kAxeos) return read_one_axeos(device, patience);
  return read_one_cgminer(device, patience, before);
}

}  // namespace calx::device
