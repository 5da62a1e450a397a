#include "apps/cli/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <span>

#include "apps/cli/agent_list.h"
#include "apps/cli/bridge_engine.h"
#include "apps/cli/engine_text.h"
#include "apps/cli/remote.h"
#include "apps/cli/reopening_runner.h"
#include "calx/device/lan_address.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::cli {
namespace {

constexpr std::string_view kSoftware = "software", kDefaultPolicy = "training";

constexpr std::string_view kEngineHelp =
    "who searches; several form a pool:\n"
    "software\n"
    "bridge=HOST:PORT[,token-file=F][,roots=F][,name=N]  a server of calx.v1\n"
    "agents=FILE  one such server a line\n"
    "listen=HOST:PORT[,worker=NAME:TOKEN[:ORIGIN]]...  miners that connect there\n"
    "chip=KIND:PATH[,baud=N][,mhz=N][,control=PATH][,millivolts=N][,base-bits=N]  BM13xx chips\n"
    "bitmain=PATH|usb|tcp:HOST:PORT[,token-file=F][,kind=s1|s3][,flags=low|high][,mhz=N][,base-"
    "bits=N]  an Antminer S1-S3\n"
    "direct-hash=HOST:PORT|serial:PATH[,baud=N]  a machine that hashes messages\n"
    "any with ,web=HOST[:PORT]  its miner's web interface: no work while it is too hot";

constexpr std::string_view kPolicyHelp =
    "training (any origin, then software; the default for several engines), validation (nothing "
    "modelled), clinical (a device or nothing), cached, software";

std::string_view name_of(std::string_view text) { return text.substr(0, text.find(',')); }

// An engine's text without its word web=, which every kind may have.
struct Wanted {
  std::string text;
  std::optional<device::LanAddress> web;
};

Result<Wanted> split_web(std::string_view text) {
  constexpr std::string_view kWeb = ",web=";
  const std::size_t begin = text.find(kWeb);
  if (begin == std::string_view::npos) return Wanted{std::string(text), {}};
  const std::string_view rest = text.substr(begin + kWeb.size());
  const std::size_t end = std::min(rest.find(','), rest.size());
  CALX_ASSIGN(address, device::parse_lan_address(rest.substr(0, end), device::kEachOwnPort));
  return Wanted{fmt::format("{}{}", text.substr(0, begin), rest.substr(end)), address};
}

Result<remote::ConnectionOptions> connection_options(std::string_view text) {
  CALX_ASSIGN(words, EngineText::parse(text, {"token-file", "roots", "name"}));
  remote::ConnectionOptions options;
  CALX_ASSIGN(address, parse_address(words.address()));
  options.address = std::move(address);
  if (const auto file = words.find("token-file")) {
    CALX_ASSIGN(token, read_token(*file));
    options.token = std::move(token);
  }
  if (const auto roots = words.find("roots")) options.tls = true, options.roots = *roots;
  if (const auto name = words.find("name")) options.server_name = *name;
  return options;
}

Result<std::unique_ptr<work::JobRunner>> connect_bridge(std::string_view text) {
  CALX_ASSIGN(options, connection_options(text));
  CALX_ASSIGN(module, remote_module());
  CALX_ASSIGN(connection, module->connect(options));
  return connection->runner();
}

// One engine as it was opened: its runner, kept alive by `engine`.
struct Opened {
  work::JobRunner* runner = nullptr;
  signal::DeviceJobs jobs = signal::DeviceJobs::kWhole;
};

using OpenWire = Result<WireEngine> (*)(std::string_view);
struct WireKind {
  std::string_view prefix;
  OpenWire open;
};
constexpr WireKind kWireKinds[] = {{"chip=", open_chip_engine},
                                   {"bitmain=", open_antminer_engine},
                                   {"direct-hash=", open_direct_hash_engine}};

ReopeningRunner::Machine machine_of(WireEngine opened) {
  const auto whole = std::make_shared<WireEngine>(std::move(opened));
  return {whole, whole->runner.get()};
}

Result<Opened> open_one(std::string_view text, Engine& engine) {
  constexpr std::string_view kBridge = "bridge=", kListen = "listen=";
  if (text == kSoftware) return Opened{.runner = &work::software_runner()};
  if (text.starts_with(kListen) || text.starts_with(kBridge)) {
    const bool listens = text.starts_with(kListen);
    const std::string_view rest = text.substr(text.find('=') + 1);
    CALX_ASSIGN(runner, listens ? open_bridge_engine(rest) : connect_bridge(rest));
    engine.runners.push_back(std::move(runner));
    return Opened{.runner = engine.runners.back().get()};
  }
  for (const WireKind& kind : kWireKinds) {
    if (!text.starts_with(kind.prefix)) continue;
    const std::string rest(text.substr(kind.prefix.size()));
    CALX_ASSIGN(opened, kind.open(rest));
    const auto jobs = opened.runner->origin() == Origin::kSoftware ? signal::DeviceJobs::kWhole
                                                                   : signal::DeviceJobs::kLanes;
    if (opened.digests == nullptr) {
      engine.runners.push_back(std::make_unique<ReopeningRunner>(
          machine_of(std::move(opened)),
          [open = kind.open, rest]() -> Result<ReopeningRunner::Machine> {
            CALX_ASSIGN(again, open(rest));
            return machine_of(std::move(again));
          }));
      return Opened{.runner = engine.runners.back().get(), .jobs = jobs};
    }
    engine.wires.push_back(std::move(opened));
    const WireEngine& wire = engine.wires.back();
    engine.digests = wire.digests.get(), engine.scanner = wire.scanner.get();
    return Opened{.runner = wire.runner.get(), .jobs = jobs};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("no engine is called \"{}\": software, bridge=, listen=, chip=, bitmain= "
                          "or direct-hash=",
                          name_of(text)));
}

// What of the pool can serve under its policy at all.
Result<void> check_policy(const Engine& engine) {
  const signal::Policy& policy = engine.policy;
  if (!policy.search || policy.software_fallback) return {};
  for (const signal::DeviceHealth& device : engine.pool->health()) {
    if (device.origin >= policy.origin_min) return {};
  }
  return fail(ErrorCode::kUnavailable,
              fmt::format("policy {} wants work of origin {} and no engine here can do it ({})",
                          policy.name, to_string(policy.origin_min), engine.name));
}

Result<void> fill_pool(std::span<const Wanted> engines, Engine& engine) {
  const signal::Policy& policy = engine.policy;
  auto* fallback = policy.software_fallback ? &work::software_runner() : nullptr;
  engine.pool = std::make_unique<signal::DevicePool>(policy, fallback);
  std::vector<device::WatchedMiner> watched;
  for (const auto& [text, web] : engines) {
    if (text == kSoftware && fallback != nullptr) continue;  // it stands behind all others
    const auto opened = open_one(text, engine);
    if (!opened && opened.error().code == ErrorCode::kInvalidArgument) {
      return std::unexpected(opened.error());
    }
    if (!opened) {
      fmt::print(stderr, "left out: {} ({})\n", name_of(text), opened.error().message);
      continue;
    }
    CALX_TRY(engine.pool->add(std::string(name_of(text)), *opened->runner, opened->jobs));
    if (web) watched.push_back({.name = std::string(name_of(text)), .address = *web});
  }
  engine.runner = engine.pool.get();
  if (!watched.empty()) {
    engine.watch =
        std::make_unique<PoolWatch>(*engine.pool, std::move(watched), device::WatchOptions{});
  }
  return check_policy(engine);
}

}  // namespace

void add_engine_options(CLI::App& verb, EngineOptions& options) {
  verb.add_option("--engine", options.engines, std::string(kEngineHelp))->allow_extra_args(false);
  verb.add_option("--policy", options.policy, std::string(kPolicyHelp));
}

Result<Engine> open_engine(const EngineOptions& options) {
  CALX_ASSIGN(texts, expand_agents(options.engines));
  if (texts.empty()) texts.emplace_back(kSoftware);
  Engine engine;
  std::set<std::string_view> names;
  std::vector<Wanted> engines;
  for (const std::string& text : texts) {
    if (!names.insert(name_of(text)).second) {  // opening it a second time would disturb the first
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("engine {} is given twice", name_of(text)));
    }
    engine.name += fmt::format("{}{}", engine.name.empty() ? "" : " ", name_of(text));
    CALX_ASSIGN(wanted, split_web(text));
    engines.push_back(std::move(wanted));
  }
  engine.software = engines.size() == 1 && engines.front().text == kSoftware;
  CALX_ASSIGN(policy,
              signal::find_policy(options.policy.empty() ? kDefaultPolicy
                                                         : std::string_view(options.policy)));
  engine.policy = policy;
  if (engines.size() == 1 && options.policy.empty() && !engines.front().web) {
    CALX_ASSIGN(opened, open_one(engines.front().text, engine));
    engine.runner = opened.runner;
    return engine;
  }
  CALX_TRY(fill_pool(engines, engine));
  return engine;
}

std::string describe_engines(const Engine& engine) {
  if (engine.pool == nullptr) return {};
  std::string text;
  for (const signal::DeviceHealth& device : engine.pool->health()) {
    const auto heat = device.celsius ? fmt::format(", {:.0f} C", *device.celsius) : std::string();
    text += fmt::format("engine   {}: {}, {} shares, {} failures, {} lies{}; {}{}\n", device.name,
                        to_string(device.origin), device.shares, device.failures, device.lies, heat,
                        to_string(device.state), device.reason.empty() ? "" : ": " + device.reason);
  }
  return text;
}

}  // namespace calx::cli
