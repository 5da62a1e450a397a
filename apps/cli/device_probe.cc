// calx device probe: what a miner at a stated address says of itself.
#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/cli/agent_probe.h"
#include "apps/cli/device.h"
#include "apps/cli/verb.h"
#include "calx/device/cgminer_api.h"
#include "calx/device/redirect.h"
#include "calx/format/canonical_json.h"

namespace calx::cli {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

void add(Fields& fields, const char* name, const std::optional<double>& value, const char* unit) {
  if (value) fields.emplace_back(name, fmt::format("{:.6g}{}{}", *value, *unit ? " " : "", unit));
}

void add(Fields& fields, const char* name, const std::optional<std::string>& value) {
  if (value && !value->empty()) fields.emplace_back(name, *value);
}

Result<Fields> ask_axeos(const std::string& address) {
  CALX_ASSIGN(device, device::parse_lan_address(address, device::kAxeosPort));
  CALX_ASSIGN(info, device::read_axeos(device));
  Fields fields = {{"api", "AxeOS at " + device.to_string()}};
  add(fields, "chip", info.chip);
  add(fields, "firmware", info.version);
  add(fields, "host", info.hostname);
  add(fields, "rate", info.ghs, "GH/s");
  add(fields, "power", info.watts, "W");
  if (info.ghs && info.watts && *info.ghs > 0) {
    add(fields, "energy", *info.watts / *info.ghs * 1000, "J/TH");
  }
  add(fields, "chip temperature", info.celsius, "C");
  add(fields, "regulator temperature", info.regulator_celsius, "C");
  add(fields, "clock", info.mhz, "MHz");
  add(fields, "core voltage", info.core_mv, "mV");
  add(fields, "accepted", info.accepted, "");
  add(fields, "rejected", info.rejected, "");
  add(fields, "best difficulty", info.best_difficulty, "");
  add(fields, "pool difficulty", info.pool_difficulty, "");
  if (info.pool) add(fields, "pool", fmt::format("{}:{}", info.pool->url, info.pool->port));
  add(fields, "warning", device::too_hot(info, {}));
  if (info.paused) fields.emplace_back("warning", "mining is paused");
  return fields;
}

Result<Fields> ask_cgminer(const std::string& address) {
  CALX_ASSIGN(device, device::parse_lan_address(address, device::kCgminerPort));
  CALX_ASSIGN(reply, device::ask_cgminer(device, "summary", "", device::kMinerTimeout));
  const device::CgminerSummary summary = device::cgminer_summary(reply);
  Fields fields = {{"api", "cgminer at " + device.to_string()}};
  add(fields, "rate", summary.ghs, "GH/s");
  add(fields, "accepted", summary.accepted, "");
  add(fields, "rejected", summary.rejected, "");
  add(fields, "hardware errors", summary.hardware_errors, "");
  add(fields, "best difficulty", summary.best_share, "");
  if (const auto stats = device::ask_cgminer(device, "stats", "", device::kMinerTimeout)) {
    add(fields, "chip temperature", device::cgminer_celsius(*stats), "C");
  }
  if (const auto pools = device::ask_cgminer(device, "pools", "", device::kMinerTimeout)) {
    for (const device::CgminerPool& pool : device::cgminer_pools(*pools)) {
      if (pool.active) add(fields, "pool", pool.url);
    }
  }
  return fields;
}

Result<Fields> ask(const std::string& address, const std::string& api) {
  if (api == "axeos") return ask_axeos(address);
  if (api == "cgminer") return ask_cgminer(address);
  auto axeos = ask_axeos(address);
  const bool other = !axeos && axeos.error().code != ErrorCode::kInvalidArgument;
  if (!other) return axeos;
  auto cgminer = ask_cgminer(address);
  if (cgminer) return cgminer;
  return fail(ErrorCode::kUnavailable,
              fmt::format("{}; {}", axeos.error().message, cgminer.error().message));
}

Result<int> probe(const std::string& address, const std::string& api, bool json) {
  CALX_ASSIGN(fields, ask(address, api));
  // What a device says of itself is its own word, not a measurement of ours.
  if (json) {
    auto document = format::Json::array();
    for (const auto& [name, value] : fields) {
      document.push(format::Json{{"name", name}, {"value", value}});
    }
    CALX_ASSIGN(text, format::encode_pretty_json(
                          format::Json{{"fields", document}, {"source", "reported by device"}}));
    fmt::print("{}", text);
    return kDone;
  }
  for (const auto& [name, value] : fields) fmt::print("{:<22} {}\n", name, value);
  fmt::print("every figure as the device reports it\n");
  return kDone;
}

}  // namespace

void add_device_probe(CLI::App& device, Session& session) {
  auto* verb = device.add_subcommand("probe", "ask a miner or an agent what it is and does");
  auto address = std::make_shared<std::string>();
  auto api = std::make_shared<std::string>("any");
  verb->add_option(
          "address", *address,
          "IP or IP:PORT of a miner on the local network; grpc://HOST:PORT (or grpcs://, TLS) of a "
          "server of calx.v1 or hasher.v1")
      ->required();
  verb->add_option("--api", *api, "which one to ask")
      ->check(CLI::IsMember({"any", "axeos", "cgminer"}))
      ->capture_default_str();
  auto agent = std::make_shared<AgentProbeOptions>();
  add_agent_probe_options(*verb, *agent);
  verb->callback([=, &session] {
    session.action = [=, &session] {
      if (names_agent(*address)) return probe_agent(*address, *agent, session.json);
      return probe(*address, *api, session.json);
    };
  });
}

}  // namespace calx::cli
