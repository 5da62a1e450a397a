// GET /metrics over HTTP, for Prometheus and for people with curl.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "calx/base/address.h"
#include "calx/base/result.h"

namespace calx::metrics {

struct ScrapeOptions {
  Address listen = {.host = "127.0.0.1", .port = 0};  // port 0: a free one
  std::size_t connections_max = 16;                   // further ones are closed at once
  std::size_t head_bytes_max = 8192;                  // of a request: its line and its fields
  std::chrono::milliseconds exchange_time = std::chrono::seconds(5);  // accept to last byte
};

/// Answers GET and HEAD of /metrics with `scrape()` in text exposition 0.0.4, any other path with
/// 404, any other method with 405, what is no HTTP with 400, a long head with 431; each connection
/// carries one exchange. It knows no token and no TLS: whoever reaches the address reads the
/// counters. One thread of its own; `scrape` is called there, one call at a time.
class ScrapeServer {
 public:
  /// Errors: kInvalidArgument (the host is no number of an interface), kUnavailable (the port is
  /// taken or not ours).
  static Result<std::unique_ptr<ScrapeServer>> start(const ScrapeOptions& options,
                                                     std::function<std::string()> scrape);
  /// Stops at once.
  ~ScrapeServer();
  ScrapeServer(const ScrapeServer&) = delete;
  ScrapeServer& operator=(const ScrapeServer&) = delete;

  /// With the port in use.
  [[nodiscard]] const Address& address() const noexcept;

 private:
  struct Impl;
  explicit ScrapeServer(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace calx::metrics
