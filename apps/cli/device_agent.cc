// calx device agent: the Hasher Server, engines of this machine for others over gRPC.
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/cli/api_server.h"
#include "apps/cli/device.h"
#include "apps/cli/engine.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/scrape.h"
#include "calx/hash/software_engine.h"

namespace calx::cli {
namespace {

struct AgentOptions {
  std::string name;  // of the command, for messages
  ApiOptions api;
  EngineOptions engine;
  std::string metrics;
};

void print_start(const Session& session, const ApiServer& server, const AgentOptions& options,
                 const std::string& engine) {
  if (session.json) {
    const nlohmann::json json = {{"listening", server.address().to_string()},
                                 {"engine", engine},
                                 {"tls", server.tls()},
                                 {"token", server.token()}};
    fmt::print("{}\n", json.dump());
  } else {
    fmt::print("engine {}\n{}", engine, server.description(options.name + " --listen"));
  }
  std::fflush(stdout);
}

Result<int> run_agent(const Session& session, const AgentOptions& options) {
  const Interrupt interrupt;
  CALX_ASSIGN(engine, open_engine(options.engine));
  hash::SoftwareDigestEngine digests;
  hash::SoftwareScanner scanner(std::max(1U, std::thread::hardware_concurrency()));
  remote::ServerParts parts{
      .runner = engine.runner, .name = engine.name, .device_path = engine.name};
  parts.pool = engine.pool.get();
  // A miner searches nonces and cannot hash chosen data.
  if (engine.software) {
    parts.digests = &digests, parts.scanner = &scanner;
  } else {
    parts.digests = engine.digests, parts.scanner = engine.scanner;
  }
  ApiOptions wanted = options.api;
  wanted.policy = engine.policy.name;
  CALX_ASSIGN(server, ApiServer::start(wanted, parts));
  const auto scrape = start_scrape(options.metrics, [&api = *server] { return api.metrics(); });
  if (!scrape) return std::unexpected(scrape.error());
  print_start(session, *server, options, engine.name);

  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait(lock, interrupt.token(), [] { return false; });
  return kDone;
}

}  // namespace

void add_agent_options(CLI::App& verb, Session& session, std::string name) {
  auto options = std::make_shared<AgentOptions>();
  options->name = std::move(name);
  options->api.listen = fmt::format("127.0.0.1:{}", remote::kDefaultPort);
  verb.add_option("--listen", options->api.listen, "HOST:PORT; port 0 takes a free one")
      ->capture_default_str();
  add_engine_options(verb, options->engine);
  verb.add_option("--work", options->api.work_bits, "bits of work in the stamps that it makes");
  add_api_options(verb, options->api);
  add_scrape_option(verb, options->metrics);
  verb.callback([&session, options] {
    session.action = [&session, options] { return run_agent(session, *options); };
  });
}

void add_device_agent(CLI::App& device, Session& session) {
  auto* agent = device.add_subcommand("agent", "offer the engines of this machine over gRPC");
  add_agent_options(*agent, session, "calx device agent");
}

}  // namespace calx::cli
