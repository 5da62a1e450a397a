// calx device agent: the Hasher Server, engines of this machine for others over gRPC.
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>

#include "apps/cli/api_server.h"
#include "apps/cli/device.h"
#include "apps/cli/engine.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/scrape.h"
#include "calx/format/canonical_json.h"
#include "calx/hash/software_engine.h"

namespace calx::cli {
namespace {

struct AgentOptions {
  ApiOptions api;
  std::string engine = "software", metrics;
};

void print_start(const Session& session, const ApiServer& server, const std::string& engine) {
  if (session.json) {
    format::Json json;
    json.set("listening", server.address().to_string())
        .set("engine", engine)
        .set("tls", server.tls())
        .set("token", server.token());
    if (const auto text = format::encode_canonical_json(json)) fmt::print("{}\n", *text);
  } else {
    fmt::print("engine {}\n{}", engine, server.description("calx device agent --listen"));
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
  // A miner searches nonces and cannot hash chosen data.
  if (engine.owned == nullptr) parts.digests = &digests, parts.scanner = &scanner;
  CALX_ASSIGN(server, ApiServer::start(options.api, parts));
  const auto scrape = start_scrape(options.metrics, [&api = *server] { return api.metrics(); });
  if (!scrape) return std::unexpected(scrape.error());
  print_start(session, *server, engine.name);

  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait(lock, interrupt.token(), [] { return false; });
  return kDone;
}

}  // namespace

void add_device_agent(CLI::App& device, Session& session) {
  auto* agent = device.add_subcommand("agent", "offer the engines of this machine over gRPC");
  auto options = std::make_shared<AgentOptions>();
  options->api.listen = fmt::format("127.0.0.1:{}", remote::kDefaultPort);
  agent->add_option("--listen", options->api.listen, "HOST:PORT; port 0 takes a free one")
      ->capture_default_str();
  agent->add_option("--engine", options->engine, std::string(kEngineHelp));
  agent->add_option("--work", options->api.work_bits, "bits of work in the stamps that it makes");
  add_api_options(*agent, options->api);
  add_scrape_option(*agent, options->metrics);
  agent->callback([&session, options] {
    session.action = [&session, options] { return run_agent(session, *options); };
  });
}

}  // namespace calx::cli
