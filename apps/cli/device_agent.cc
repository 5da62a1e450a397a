// calx device agent: the Hasher Server, engines of this machine for others over gRPC.
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>

#include "apps/cli/device.h"
#include "apps/cli/engine.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/remote.h"
#include "calx/format/canonical_json.h"
#include "calx/hash/software_engine.h"
#include "calx/signal/batcher.h"
#include "calx/signal/journal.h"

namespace calx::cli {
namespace {

constexpr std::chrono::seconds kGrace(5);

struct AgentOptions {
  std::string listen = "127.0.0.1:8888";
  std::string certificate, key, token_file, journal;
  std::string engine = "software";
  std::uint32_t work_bits = 20;
};

void print_start(const Session& session, const remote::ServerOptions& options,
                 const Address& address, const std::string& engine) {
  const bool tls = !options.certificate.empty();
  if (session.json) {
    format::Json json;
    json.set("listening", address.to_string())
        .set("engine", engine)
        .set("tls", tls)
        .set("token", !options.token.empty());
    if (const auto text = format::encode_canonical_json(json)) fmt::print("{}\n", *text);
  } else {
    fmt::print("calx.v1 and hasher.v1 at {}, engine {}, {}, {}\n", address.to_string(), engine,
               tls ? "TLS" : "plaintext", options.token.empty() ? "no token" : "token asked");
    if (address.loopback()) {
      fmt::print(
          "Only this machine reaches it. For a network: calx device agent --listen 0.0.0.0:{} "
          "--token-file F --tls-cert C --tls-key K\n",
          address.port);
    } else if (!tls) {
      fmt::print("Without TLS the token and everything else can be read on the way.\n");
    }
  }
  std::fflush(stdout);
}

Result<int> run_agent(const Session& session, const AgentOptions& options) {
  const Interrupt interrupt;
  remote::ServerOptions server_options{.certificate = options.certificate, .key = options.key};
  CALX_ASSIGN(address, parse_address(options.listen));
  server_options.listen = std::move(address);
  if (!options.token_file.empty()) {
    CALX_ASSIGN(token, read_token(options.token_file));
    server_options.token = std::move(token);
  }
  CALX_ASSIGN(target, work::Target::from_work_bits(options.work_bits));
  CALX_ASSIGN(engine, open_engine(options.engine));
  const bool software = engine.owned == nullptr;
  hash::SoftwareDigestEngine digests;
  hash::SoftwareScanner scanner(std::max(1U, std::thread::hardware_concurrency()));
  std::unique_ptr<signal::Journal> journal;
  if (!options.journal.empty()) {
    CALX_ASSIGN(opened, signal::Journal::open(options.journal));
    journal = std::move(opened);
  }
  signal::Batcher batcher(*engine.runner, {.target = target, .journal = journal.get()});
  remote::ServerParts parts{.runner = engine.runner,
                            .batcher = &batcher,
                            .name = engine.name,
                            .device_path = engine.name,
                            .firmware = "calx " CALX_VERSION};
  // A miner searches nonces and cannot hash chosen data.
  if (software) parts.digests = &digests, parts.scanner = &scanner;
  CALX_ASSIGN(module, remote_module());
  CALX_ASSIGN(server, module->start_server(server_options, parts));
  print_start(session, server_options, server->address(), engine.name);

  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait(lock, interrupt.token(), [] { return false; });
  server->stop(kGrace);
  return kDone;
}

}  // namespace

void add_device_agent(CLI::App& device, Session& session) {
  auto* agent = device.add_subcommand("agent", "offer the engines of this machine over gRPC");
  auto options = std::make_shared<AgentOptions>();
  agent->add_option("--listen", options->listen, "HOST:PORT; port 0 takes a free one");
  agent->add_option("--tls-cert", options->certificate, "PEM file of the certificate");
  agent->add_option("--tls-key", options->key, "PEM file of its key");
  agent->add_option("--token-file", options->token_file,
                    "clients must send the first line of this file");
  agent->add_option("--engine", options->engine, std::string(kEngineHelp));
  agent->add_option("--work", options->work_bits, "bits of work in the stamps that it makes");
  agent->add_option("--journal", options->journal, "file that keeps accepted requests and stamps");
  agent->callback([&session, options] {
    session.action = [&session, options] { return run_agent(session, *options); };
  });
}

}  // namespace calx::cli
