// The other side of calx.v1: engines of another machine. Nothing they say is believed: digests,
// nonces, shares and stamps are hashed again here. An origin cannot be checked; it is taken as the
// server gives it, and never raised.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include "calx/base/address.h"
#include "calx/base/result.h"
#include "calx/hash/engine.h"
#include "calx/signal/request.h"
#include "calx/work/job_runner.h"

namespace calx::remote {

struct ConnectionOptions {
  Address address = {};
  std::string token = {};            // sent with every call
  bool tls = false;                  // required when `roots` is given
  std::filesystem::path roots = {};  // PEM; empty with tls: the system's
  std::string server_name = {};      // in the certificate, if it is not the address
  std::chrono::milliseconds connect_time = std::chrono::seconds(5);
  std::chrono::milliseconds call_time = std::chrono::seconds(30);  // of digests
  std::chrono::milliseconds search_time = std::chrono::hours(24);  // of searches, at most
  std::size_t call_bytes_max = std::size_t{16} << 20;
};

struct RemoteInfo {
  std::string name = {}, path = {}, firmware = {};
  std::uint32_t chips = 0;
  bool digest = false, scan = false, run = false, stamp = false;
  Origin origin = Origin::kModelled;         // of its shares and nonces
  Origin digest_origin = Origin::kModelled;  // of its digests
};

/// One HTTP/2 connection that all engines made of it share and that comes back by itself after an
/// interruption. Any thread may call at any time; the engines keep it alive.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  [[nodiscard]] virtual const RemoteInfo& info() const noexcept = 0;

  /// Thread-safe. A share that does not hold is kDataLoss and names the server.
  virtual Result<std::unique_ptr<work::JobRunner>> runner() = 0;
  /// Thread-safe. Every digest is computed again here.
  virtual Result<std::unique_ptr<hash::DigestEngine>> digests() = 0;
  /// Thread-safe. Every nonce is hashed again here; what it says it covered is not checked.
  virtual Result<std::unique_ptr<hash::HeaderScanner>> scanner() = 0;
  /// A place under a stamp that the server makes for many; stamp and path are checked.
  virtual Result<signal::StampedRequest> stamp(const signal::AcceptedRequest& request,
                                               work::Deadline deadline,
                                               std::stop_token stop = {}) = 0;
};

/// Connects and asks who is there. Errors: kUnavailable (nobody, or TLS fails: the message says
/// which), kInvalidArgument (the token is refused), kNotFound (the file of roots).
Result<std::shared_ptr<Connection>> connect(const ConnectionOptions& options);

}  // namespace calx::remote
