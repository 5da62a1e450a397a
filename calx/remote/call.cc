#include "calx/remote/call.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/hash/sha256.h"
#include "calx/metrics/exposition.h"
#include "calx/signal/batcher.h"
#include "calx/signal/device_pool.h"

namespace calx::remote {
namespace {

constexpr std::chrono::milliseconds kWatchEvery(10);
constexpr std::string_view kBearer = "Bearer ";

struct CallName {
  std::string_view service, call;
};
constexpr std::array<CallName, kCalls> kCallNames = {{{"calx.v1", "Digest"},
                                                      {"calx.v1", "DigestStream"},
                                                      {"calx.v1", "Scan"},
                                                      {"calx.v1", "Run"},
                                                      {"calx.v1", "Stamp"},
                                                      {"calx.v1", "GetMetrics"},
                                                      {"calx.v1", "GetDeviceInfo"},
                                                      {"calx.v1", "GetHealth"},
                                                      {"hasher.v1", "ComputeHash"},
                                                      {"hasher.v1", "ComputeBatch"},
                                                      {"hasher.v1", "StreamCompute"},
                                                      {"hasher.v1", "GetMetrics"},
                                                      {"hasher.v1", "GetDeviceInfo"},
                                                      {"hasher.v1", "MineWork"}}};

using metrics::Exposition;
using metrics::Kind;

// Calls that were never made have no series.
void expose_calls(Exposition& out, const Counters& counters) {
  std::array<metrics::LatencyCounter::Reading, kCalls> readings;
  std::array<bool, kCalls> used{};
  for (std::size_t i = 0; i < kCalls; ++i) {
    readings[i] = counters.latency_of[i].read();
    used[i] = std::ranges::any_of(readings[i].counts, [](auto count) { return count > 0; });
  }
  out.family("calx_call_seconds", Kind::kHistogram, "Calls that ended, by their duration.");
  for (std::size_t i = 0; i < kCalls; ++i) {
    if (!used[i]) continue;
    out.durations({{"service", kCallNames[i].service}, {"call", kCallNames[i].call}},
                  {.counts = readings[i].counts, .sum_s = readings[i].sum_s});
  }
  out.family("calx_call_errors_total", Kind::kCounter, "Of them, those that ended with an error.");
  for (std::size_t i = 0; i < kCalls; ++i) {
    if (!used[i]) continue;
    out.sample({{"service", kCallNames[i].service}, {"call", kCallNames[i].call}},
               counters.errors_of[i].load(std::memory_order_relaxed));
  }
}

void expose_batcher(Exposition& out, const signal::Batcher& batcher) {
  const signal::BatcherCounts counts = batcher.counts();
  out.gauge("calx_batcher_queued", "Requests that wait for a batch.", counts.queued);
  out.gauge("calx_batcher_in_flight", "Requests in batches that are searched.", counts.in_flight);
  out.counter("calx_batcher_stamps_total", "Stamps found, each for a batch.", counts.stamps);
  out.family("calx_batcher_requests_total", Kind::kCounter, "Requests accepted, by their end.");
  out.sample({{"end", "stamped"}}, counts.stamped);
  out.sample({{"end", "failed"}}, counts.failed);
  out.sample({{"end", "cancelled"}}, counts.cancelled);
  out.sample({{"end", "expired"}}, counts.expired);
}

void expose_pool(Exposition& out, const signal::DevicePool& pool) {
  const auto devices = pool.health();
  const auto family = [&](std::string_view name, Kind kind, std::string_view help, auto value) {
    out.family(name, kind, help);
    for (const signal::DeviceHealth& device : devices) {
      out.sample({{"device", device.name},
                  {"origin", to_string(device.origin)},
                  {"state", to_string(device.state)}},
                 value(device));
    }
  };
  family("calx_device_shares_total", Kind::kCounter, "Shares of a device that held.",
         [](const auto& device) { return device.shares; });
  family("calx_device_failures_total", Kind::kCounter, "Runs of a device that failed.",
         [](const auto& device) { return device.failures; });
  family("calx_device_lies_total", Kind::kCounter, "Shares of a device that did not hold.",
         [](const auto& device) { return device.lies; });
}

}  // namespace

CallWatch::Entry::Entry(CallWatch& watch, const grpc::ServerContext& context,
                        Clock::time_point deadline)
    : watch_(watch), context_(context), deadline_(deadline) {
  const std::scoped_lock lock(watch_.mutex_);
  place_ = watch_.entries_.insert(watch_.entries_.end(), this);
  watch_.changed_.notify_one();
}

CallWatch::Entry::~Entry() {
  const std::scoped_lock lock(watch_.mutex_);
  watch_.entries_.erase(place_);
}

CallWatch::CallWatch() : watcher_([this](const std::stop_token& stop) { watch(stop); }) {}

void CallWatch::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !entries_.empty(); })) {
    const auto now = Clock::now();
    for (Entry* entry : entries_) {
      if (entry->context_.IsCancelled() || now >= entry->deadline_) entry->stop_.request_stop();
    }
    changed_.wait_for(lock, stop, kWatchEvery, [] { return false; });
    if (stop.stop_requested()) return;
  }
}

ServerState::ServerState(ServerOptions wanted, ServerParts given)
    : options(std::move(wanted)),
      parts(std::move(given)),
      token_digest(hash::sha256(options.token)) {}

bool ServerState::authorized(const grpc::ServerContext& context) const {
  if (options.token.empty()) return true;
  const auto found = context.client_metadata().find("authorization");
  if (found == context.client_metadata().end()) return false;
  const std::string_view value(found->second.data(), found->second.size());
  if (!value.starts_with(kBearer)) return false;
  // Digests are compared to the end, so that the time tells nothing of the token.
  const hash::Digest given = hash::sha256(value.substr(kBearer.size()));
  unsigned differs = 0;
  for (std::size_t i = 0; i < given.size(); ++i) differs |= given[i] ^ token_digest[i];
  return differs == 0;
}

Clock::time_point ServerState::deadline_of(const grpc::ServerContext& context) const {
  const auto latest = Clock::now() + options.call_time_max;
  const auto wanted = context.deadline();
  if (wanted == std::chrono::system_clock::time_point::max()) return latest;
  const auto left = wanted - std::chrono::system_clock::now();
  if (left >= options.call_time_max) return latest;
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(left);
}

std::uint64_t ServerState::uptime_seconds() const {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - began).count());
}

void ServerState::count(Call call, const grpc::Status& status, Clock::time_point began_at) {
  const auto index = static_cast<std::size_t>(call);
  counters.running.fetch_sub(1, std::memory_order_relaxed);
  counters.latency_of[index].add(Clock::now() - began_at);
  if (!status.ok()) counters.errors_of[index].fetch_add(1, std::memory_order_relaxed);
  const auto us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_at).count());
  if (!status.ok()) counters.errors.fetch_add(1, std::memory_order_relaxed);
  counters.latency_us_sum.fetch_add(us, std::memory_order_relaxed);
  std::uint64_t max = counters.latency_us_max.load(std::memory_order_relaxed);
  while (us > max && !counters.latency_us_max.compare_exchange_weak(max, us)) {
  }
}

std::string ServerState::prometheus() const {
  Exposition out;
  const auto add = [&out](std::string_view name, std::string_view help,
                          const std::atomic<std::uint64_t>& value) {
    out.counter(name, help, value.load(std::memory_order_relaxed));
  };
  out.family("calx_server_info", Kind::kGauge, "Who serves here, and the origin of its work.");
  out.sample(
      {{"name", parts.name}, {"firmware", parts.firmware}, {"origin", to_string(search_origin())}},
      std::uint64_t{1});
  add("calx_requests_total", "Calls begun.", counters.requests);
  add("calx_errors_total", "Calls that ended with an error.", counters.errors);
  add("calx_refused_total", "Calls without the token.", counters.refused);
  add("calx_hashed_bytes_total", "Bytes hashed for clients.", counters.bytes);
  add("calx_digests_total", "Digests computed for clients.", counters.digests);
  add("calx_shares_total", "Shares found for clients.", counters.shares);
  add("calx_stamps_total", "Requests stamped for clients.", counters.stamps);
  add("calx_latency_microseconds_total", "Time spent in calls.", counters.latency_us_sum);
  out.gauge("calx_calls_running", "Calls begun and not ended.", counters.running);
  out.gauge("calx_uptime_seconds", "Since the start.", uptime_seconds());
  expose_calls(out, counters);
  if (parts.batcher != nullptr) expose_batcher(out, *parts.batcher);
  if (parts.pool != nullptr) expose_pool(out, *parts.pool);
  return out.text();
}

Origin ServerState::search_origin() const {
  if (parts.runner != nullptr) return parts.runner->origin();
  if (parts.scanner != nullptr) return parts.scanner->info().origin;
  return parts.digests != nullptr ? parts.digests->info().origin : Origin::kModelled;
}

void tell_origin(grpc::ServerContext& context, Origin origin) {
  context.AddInitialMetadata("calx-origin", std::string(to_string(origin)));
}

}  // namespace calx::remote
