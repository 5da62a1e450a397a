#include "apps/cli/api_server.h"

#include <fmt/format.h>

#include "apps/cli/remote.h"

namespace calx::cli {
namespace {

constexpr std::chrono::seconds kGrace(5);

}  // namespace

void add_api_options(CLI::App& verb, ApiOptions& options) {
  verb.add_option("--tls-cert", options.certificate, "PEM file of the certificate");
  verb.add_option("--tls-key", options.key, "PEM file of its key");
  verb.add_option("--token-file", options.token_file,
                  "clients must send the first line of this file");
  verb.add_option("--journal", options.journal, "file that keeps accepted requests and stamps");
  add_cache_options(verb, options.cache);
}

Result<std::unique_ptr<ApiServer>> ApiServer::start(const ApiOptions& options,
                                                    remote::ServerParts parts) {
  CALX_ASSIGN(address, parse_address(options.listen));
  std::string token;
  if (!options.token_file.empty()) {
    CALX_ASSIGN(read, read_token(options.token_file));
    token = std::move(read);
  }
  const remote::ServerOptions server_options{
      .listen = address, .token = token, .certificate = options.certificate, .key = options.key};
  std::unique_ptr<ApiServer> api(new ApiServer);
  api->tls_ = !options.certificate.empty();
  api->token_ = !server_options.token.empty();
  CALX_ASSIGN(target, work::Target::from_work_bits(options.work_bits));
  if (!options.journal.empty()) {
    CALX_ASSIGN(journal, signal::Journal::open(options.journal));
    api->journal_ = std::move(journal);
  }
  CALX_ASSIGN(policy, signal::find_policy(options.policy));
  CALX_ASSIGN(cache, open_stamp_cache(options.cache, policy));
  api->cache_ = std::move(cache);
  api->batcher_ = std::make_unique<signal::Batcher>(
      *parts.runner, signal::BatcherOptions{.target = target,
                                            .journal = api->journal_.get(),
                                            .cache = api->cache_.get(),
                                            .cache_use = policy.cache,
                                            .origin_min = policy.origin_min,
                                            .trouble = tell_cache_trouble});
  parts.batcher = api->batcher_.get();
  parts.firmware = "calx " CALX_VERSION;
  CALX_ASSIGN(module, remote_module());
  CALX_ASSIGN(server, module->start_server(server_options, parts));
  api->server_ = std::move(server);
  return api;
}

ApiServer::~ApiServer() {
  if (server_ != nullptr) server_->stop(kGrace);
}

std::string ApiServer::description(std::string_view verb) const {
  std::string text = fmt::format("calx.v1 and hasher.v1 at {}, {}, {}\n", address().to_string(),
                                 tls_ ? "TLS" : "plaintext", token_ ? "token asked" : "no token");
  if (address().loopback()) {
    text += fmt::format(
        "only this machine reaches it; for a network: {} 0.0.0.0:{} --token-file F --tls-cert C "
        "--tls-key K\n",
        verb, address().port);
  } else if (!tls_) {
    text += "without TLS the token and everything else can be read on the way\n";
  }
  return text;
}

}  // namespace calx::cli
