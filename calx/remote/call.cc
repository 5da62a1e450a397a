#include "calx/remote/call.h"

#include <fmt/format.h>

#include "calx/hash/sha256.h"

namespace calx::remote {
namespace {

constexpr std::chrono::milliseconds kWatchEvery(10);
constexpr std::string_view kBearer = "Bearer ";

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

void ServerState::count(const grpc::Status& status, Clock::time_point began_at) {
  const auto us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_at).count());
  if (!status.ok()) counters.errors.fetch_add(1, std::memory_order_relaxed);
  counters.latency_us_sum.fetch_add(us, std::memory_order_relaxed);
  std::uint64_t max = counters.latency_us_max.load(std::memory_order_relaxed);
  while (us > max && !counters.latency_us_max.compare_exchange_weak(max, us)) {
  }
}

std::string ServerState::prometheus() const {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view help,
                           const std::atomic<std::uint64_t>& value) {
    text += fmt::format("# HELP calx_{0} {1}\n# TYPE calx_{0} counter\ncalx_{0} {2}\n", name, help,
                        value.load(std::memory_order_relaxed));
  };
  add("requests_total", "Calls begun.", counters.requests);
  add("errors_total", "Calls that ended with an error.", counters.errors);
  add("refused_total", "Calls without the token.", counters.refused);
  add("hashed_bytes_total", "Bytes hashed for clients.", counters.bytes);
  add("digests_total", "Digests computed for clients.", counters.digests);
  add("shares_total", "Shares found for clients.", counters.shares);
  add("stamps_total", "Requests stamped for clients.", counters.stamps);
  add("latency_microseconds_total", "Time spent in calls.", counters.latency_us_sum);
  text += fmt::format(
      "# HELP calx_uptime_seconds Since the start.\n# TYPE calx_uptime_seconds gauge\n"
      "calx_uptime_seconds {}\n",
      uptime_seconds());
  return text;
}

void tell_origin(grpc::ServerContext& context, Origin origin) {
  context.AddInitialMetadata("calx-origin", std::string(to_string(origin)));
}

}  // namespace calx::remote
