// What every call of every service goes through: the token, the deadline, the counters, and the end
// of a client that does not wait any more.
#pragma once

#include <grpcpp/server_context.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <mutex>
#include <stop_token>
#include <thread>

#include "calx/hash/digest.h"
#include "calx/metrics/latency.h"
#include "calx/remote/server.h"
#include "calx/remote/wire.h"

namespace calx::remote {

using Clock = std::chrono::steady_clock;

/// Every call of both services; its name is the label of its counters.
enum class Call : std::uint8_t {
  kDigest,
  kDigestStream,
  kScan,
  kRun,
  kStamp,
  kGetMetrics,
  kGetDeviceInfo,
  kGetHealth,
  kPeerComputeHash,
  kPeerComputeBatch,
  kPeerStreamCompute,
  kPeerGetMetrics,
  kPeerGetDeviceInfo,
  kPeerMineWork,
};
inline constexpr std::size_t kCalls = 14;

struct Counters {
  std::atomic<std::uint64_t> requests = 0, errors = 0, refused = 0, bytes = 0, digests = 0,
                             shares = 0, stamps = 0, running = 0, latency_us_sum = 0,
                             latency_us_max = 0;
  std::array<std::atomic<std::uint64_t>, kCalls> errors_of = {};
  std::array<metrics::LatencyCounter, kCalls> latency_of = {};
};

/// Stops the engines of calls whose client left or whose time is over: gRPC only tells who asks.
class CallWatch {
 public:
  class Entry {
   public:
    Entry(CallWatch& watch, const grpc::ServerContext& context, Clock::time_point deadline);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    [[nodiscard]] std::stop_token token() const noexcept { return stop_.get_token(); }

   private:
    friend class CallWatch;
    CallWatch& watch_;
    const grpc::ServerContext& context_;
    Clock::time_point deadline_;
    std::stop_source stop_;
    std::list<Entry*>::iterator place_;
  };

  CallWatch();

 private:
  void watch(const std::stop_token& stop);
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::list<Entry*> entries_;
  std::jthread watcher_;
};

/// Shared by the services of one server.
struct ServerState {
  ServerState(ServerOptions wanted, ServerParts given);

  ServerOptions options;
  ServerParts parts;
  hash::Digest token_digest;
  Counters counters;
  CallWatch watch;
  Clock::time_point began = Clock::now();

  [[nodiscard]] bool authorized(const grpc::ServerContext& context) const;
  [[nodiscard]] Clock::time_point deadline_of(const grpc::ServerContext& context) const;
  [[nodiscard]] std::uint64_t uptime_seconds() const;
  [[nodiscard]] std::string prometheus() const;
  /// Of what searches here, or else of what hashes.
  [[nodiscard]] Origin search_origin() const;
  void count(Call call, const grpc::Status& status, Clock::time_point began_at);
};

/// Runs `body` (returning Result<void>) as one call.
template <class Body>
grpc::Status serve(ServerState& state, Call call, grpc::ServerContext& context, Body&& body) {
  const auto began = Clock::now();
  state.counters.running.fetch_add(1, std::memory_order_relaxed);
  state.counters.requests.fetch_add(1, std::memory_order_relaxed);
  grpc::Status status;
  if (!state.authorized(context)) {
    state.counters.refused.fetch_add(1, std::memory_order_relaxed);
    status = {grpc::StatusCode::UNAUTHENTICATED,
              "the call carries no \"authorization: Bearer\" with the token of this server"};
  } else {
    try {
      if (Result<void> done = body(); !done) status = to_status(done.error());
    } catch (const std::bad_alloc&) {
      status = {grpc::StatusCode::RESOURCE_EXHAUSTED, "the server is out of memory"};
    }
  }
  state.count(call, status, began);
  return status;
}

/// Puts the origin into the metadata of the response, before its first byte.
void tell_origin(grpc::ServerContext& context, Origin origin);

}  // namespace calx::remote
