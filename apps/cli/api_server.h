// calx.v1 and hasher.v1 in front of a job runner, for the verbs that offer one to others.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "apps/cli/stamp_cache.h"
#include "calx/base/result.h"
#include "calx/remote/server.h"
#include "calx/signal/batcher.h"
#include "calx/signal/journal.h"

namespace calx::cli {

struct ApiOptions {
  std::string listen;  // HOST:PORT
  std::string certificate, key, token_file, journal;
  StampCacheOptions cache;
  std::string policy = "training";  // decides how the cache is used
  std::uint32_t work_bits = 20;     // of the stamps it makes
};

/// --tls-cert, --tls-key, --token-file, --journal and those of the cache.
void add_api_options(CLI::App& verb, ApiOptions& options);

/// Serves until it is destroyed.
class ApiServer {
 public:
  /// `parts` needs its runner; the batcher is made here, over the journal and the cache if they are
  /// named.
  /// Errors: those of start_server(), Journal::open() and the files.
  static Result<std::unique_ptr<ApiServer>> start(const ApiOptions& options,
                                                  remote::ServerParts parts);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  [[nodiscard]] const Address& address() const noexcept { return server_->address(); }
  /// Prometheus' text, as in GetMetrics of calx.v1.
  [[nodiscard]] std::string metrics() const { return server_->metrics(); }
  [[nodiscard]] bool tls() const noexcept { return tls_; }
  [[nodiscard]] bool token() const noexcept { return token_; }
  /// Where it listens and who reaches it, for people: one or two lines.
  [[nodiscard]] std::string description(std::string_view verb) const;

 private:
  ApiServer() = default;
  std::unique_ptr<signal::Journal> journal_;
  std::unique_ptr<signal::Cache> cache_;
  std::unique_ptr<signal::Batcher> batcher_;
  std::unique_ptr<remote::Server> server_;
  bool tls_ = false, token_ = false;
};

}  // namespace calx::cli
