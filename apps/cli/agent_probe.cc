#include "apps/cli/agent_probe.h"

#include <fmt/format.h>

#include "apps/cli/remote.h"
#include "apps/cli/token_file.h"
#include "apps/cli/verb.h"
#include "calx/format/canonical_json.h"

namespace calx::cli {
namespace {

std::string offers(const remote::RemoteInfo& info) {
  std::string text;
  const auto add = [&text](bool offered, std::string_view name) {
    if (offered) text.append(text.empty() ? "" : " ").append(name);
  };
  add(info.digest, "digest");
  add(info.scan, "scan");
  add(info.run, "run");
  add(info.stamp, "stamp");
  return text.empty() ? "nothing" : text;
}

std::string_view origin_of(const remote::ProbeReport& report) {
  return report.origin ? to_string(*report.origin) : "not told (counts as modelled)";
}

format::Json to_json(const std::string& address, const remote::ProbeReport& report) {
  auto devices = format::Json::array();
  for (const auto& device : report.devices) {
    devices.push(format::Json{{"name", device.name},
                              {"state", device.state},
                              {"reason", device.reason},
                              {"origin", to_string(device.origin)},
                              {"shares", fmt::format("{}", device.shares)},
                              {"failures", fmt::format("{}", device.failures)},
                              {"lies", fmt::format("{}", device.lies)}});
  }
  format::Json counters{{"round_trip_us", fmt::format("{}", report.round_trip.count())}};
  for (const auto& [name, value] : report.counters) counters.set(name, fmt::format("{}", value));
  return {{"address", address},
          {"protocol", report.protocol},
          {"name", report.info.name},
          {"path", report.info.path},
          {"firmware", report.info.firmware},
          {"chips", report.info.chips},
          {"serving", report.serving},
          {"uptime_s", fmt::format("{}", report.uptime.count())},
          {"offers", offers(report.info)},
          {"origin", report.origin ? to_string(*report.origin) : "not told"},
          {"digest_origin", to_string(report.info.digest_origin)},
          {"devices", devices},
          {"counters", counters},
          {"prometheus", report.prometheus},
          {"source", "reported by the server; the round trip is measured"}};
}

void print(const std::string& address, const remote::ProbeReport& report) {
  const auto line = [](std::string_view name, std::string_view value) {
    if (!value.empty()) fmt::print("{:<18} {}\n", name, value);
  };
  line("server", fmt::format("{} at {}", report.protocol, address));
  line("name", report.info.name);
  if (report.info.path != report.info.name) line("device", report.info.path);
  line("firmware", report.info.firmware);
  if (report.info.chips > 0) line("chips", fmt::format("{}", report.info.chips));
  line("health", report.serving ? "serving" : "not serving");
  line("up", fmt::format("{} s", report.uptime.count()));
  line("offers", offers(report.info));
  line("origin", origin_of(report));
  if (report.info.digest) line("origin of digests", to_string(report.info.digest_origin));
  for (const auto& [name, value] : report.counters) line(name, fmt::format("{}", value));
  for (const auto& device : report.devices) {
    line("device " + device.name,
         fmt::format("{}, origin {}, {} shares, {} failures, {} lies{}{}", device.state,
                     to_string(device.origin), device.shares, device.failures, device.lies,
                     device.reason.empty() ? "" : ": ", device.reason));
  }
  line("round trip", fmt::format("{} us", report.round_trip.count()));
  fmt::print("every figure but the round trip as the server reports it\n");
}

}  // namespace

void add_agent_probe_options(CLI::App& verb, AgentProbeOptions& options) {
  verb.add_option("--token-file", options.token_file, "token to send to a server of gRPC");
  verb.add_option("--roots", options.roots, "PEM file of the roots to trust, for grpcs://");
  verb.add_option("--name", options.server_name, "name in its certificate, if it is not the host");
}

bool names_agent(std::string_view address) noexcept {
  return address.starts_with(kAgentScheme) || address.starts_with(kSecureAgentScheme);
}

Result<int> probe_agent(std::string_view address, const AgentProbeOptions& options, bool json) {
  remote::ConnectionOptions wanted{.tls = address.starts_with(kSecureAgentScheme),
                                   .roots = options.roots,
                                   .server_name = options.server_name};
  address.remove_prefix(wanted.tls ? kSecureAgentScheme.size() : kAgentScheme.size());
  CALX_ASSIGN(parsed, parse_address(address));
  wanted.address = parsed;
  if (!options.token_file.empty()) {
    CALX_ASSIGN(token, read_token(options.token_file));
    wanted.token = std::move(token);
  }
  CALX_ASSIGN(module, remote_module());
  CALX_ASSIGN(report, module->probe(wanted));
  if (json) {
    CALX_ASSIGN(text, format::encode_pretty_json(to_json(parsed.to_string(), report)));
    fmt::print("{}", text);
  } else {
    print(parsed.to_string(), report);
  }
  return report.serving ? kDone : kNotChecked;
}

}  // namespace calx::cli
