// The bridge: a Stratum V1 server. Miners connect to it as to their pool, and work on our jobs.
//
// One thread serves all sockets. Every share is hashed again here; what a miner says about itself
// or its share counts for nothing. docs/protocol/stratum.md states the wire rules and limits.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/stratum/limits.h"
#include "calx/stratum/metrics.h"
#include "calx/stratum/reject.h"
#include "calx/stratum/vardiff.h"
#include "calx/stratum/worker.h"
#include "calx/work/job_runner.h"

namespace calx::stratum {

inline constexpr std::uint16_t kDefaultPort = 3333;

struct BridgeEvent {
  enum class Kind : std::uint8_t {
    kJoined,    // subscribed and authorized
    kLeft,      // `reason` says why
    kAccepted,  // a share; `found` when it also meets the target of the running job
    kRejected,  // a share; `code` and `reason`
    kNamed,     // a liar: too many false shares
    kRefused,   // a connection or an authorization; `reason` says why
  };
  Kind kind = Kind::kRefused;
  std::string worker = {};   // empty before authorization
  std::string address = {};  // of the miner, "192.0.2.7:50321"
  Origin origin = Origin::kModelled;
  Reject code = Reject::kOther;
  std::string reason = {};
  double difficulty = 0;        // the one in force
  double share_difficulty = 0;  // the one that the share reached
  bool found = false;
};

std::string_view to_string(BridgeEvent::Kind kind) noexcept;

/// Called on the bridge's thread: it must return soon and must not call the bridge.
class BridgeObserver {
 public:
  virtual ~BridgeObserver() = default;
  virtual void on_event(const BridgeEvent& event) = 0;
};

struct BridgeOptions {
  std::string host = "127.0.0.1";     // a literal address; any other than loopback needs a worker
  std::uint16_t port = kDefaultPort;  // 0: the system chooses
  /// PEM files. With them miners speak TLS 1.2 or 1.3 here, and nothing else; both or neither.
  std::filesystem::path tls_certificate = {}, tls_key = {};
  /// Empty (loopback alone): any name and token may work, and its origin is at most `emulated`.
  std::vector<Worker> workers = {};
  Limits limits = {};
  VardiffOptions vardiff = {};
  std::size_t connections_max = 2048;
  std::size_t connections_per_address_max = 2048;  // miners behind one router share an address
  std::size_t jobs_waiting_max = 64;
  std::chrono::milliseconds no_miner_max = std::chrono::seconds(30);  // then kUnavailable
  std::size_t shares_remembered = std::size_t{1} << 18;  // against replays; 24 bytes each
};

class Server;

class Bridge {
 public:
  /// Binds, listens and starts the thread. `observer` may be null and must outlive the bridge.
  /// Errors: kInvalidArgument (an option; an address open to others without a worker),
  /// kUnavailable (the system refuses the address or port), those of tls::Context::server().
  static Result<std::unique_ptr<Bridge>> start(BridgeOptions options,
                                               BridgeObserver* observer = nullptr);

  /// Closes every connection; every run() returns kUnavailable. Joins the thread.
  ~Bridge();
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  [[nodiscard]] const std::string& host() const noexcept;
  [[nodiscard]] std::uint16_t port() const noexcept;  // the real one
  [[nodiscard]] bool loopback() const noexcept;
  [[nodiscard]] bool secure() const noexcept;  // TLS
  /// The weakest origin that a listed worker declares; `emulated` without workers.
  [[nodiscard]] Origin origin() const noexcept;

  /// A copy of the counters. Thread-safe; cost: one pass over the connections.
  [[nodiscard]] BridgeMetrics metrics() const;

  /// Publishes the job, clean, to every miner and returns the first share that meets job.target,
  /// hashed again, with the origin of that worker. Thread-safe: calls wait in order of arrival,
  /// one job is worked on at a time. Afterwards the miners go on with the job, for telemetry.
  /// Errors: kInvalidArgument (the job; extranonce sizes other than 4 and 8), kResourceExhausted
  /// (jobs_waiting_max), kDeadlineExceeded, kCancelled, kUnavailable (no miner for no_miner_max, or
  /// the bridge stopped), kDataLoss (a share did not hold when hashed again).
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop);

 private:
  explicit Bridge(std::unique_ptr<Server> server) noexcept;
  std::unique_ptr<Server> server_;
};

/// The miners of a bridge as a job runner. Thread-safe, as Bridge::run is.
class BridgeRunner final : public work::JobRunner {
 public:
  /// `bridge` must outlive the runner.
  explicit BridgeRunner(Bridge& bridge) noexcept : bridge_(bridge) {}

  [[nodiscard]] Origin origin() const noexcept override { return bridge_.origin(); }
  /// What the bridge grants; each miner rolls what it asked for of it.
  [[nodiscard]] std::uint32_t version_mask() const noexcept override { return work::kVersionMask; }
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override {
    return bridge_.run(job, stop);
  }

 private:
  Bridge& bridge_;
};

}  // namespace calx::stratum
