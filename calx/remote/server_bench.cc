// Round trips over loopback. Every reply is checked before its time counts: the client hashes all
// digests again, so its own work is inside the times too.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "calx/hash/sha256.h"
#include "calx/hash/software_engine.h"
#include "calx/remote/connection.h"
#include "calx/remote/server.h"

namespace calx::remote {
namespace {

// `messages` of 64 bytes in one call, the medians in microseconds.
void digest_call(benchmark::State& state) {
  hash::SoftwareDigestEngine engine;
  const auto server =
      start_server({.listen = {.host = "127.0.0.1", .port = 0}}, {.digests = &engine});
  if (!server) return state.SkipWithError("the server does not start");
  const auto connection = connect({.address = (*server)->address()});
  if (!connection) return state.SkipWithError("the server does not answer");
  const auto remote = (*connection)->digests();
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint8_t> bytes(64 * count);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i % 251);
  std::vector<hash::Message> messages;
  for (std::size_t i = 0; i < count; ++i) messages.push_back(std::span(bytes).subspan(64 * i, 64));
  std::vector<hash::Digest> digests(count);
  if (!(*remote)->digest(messages, digests) || digests.back() != hash::sha256(messages.back())) {
    return state.SkipWithError("wrong digest: nothing was timed");
  }
  std::vector<double> times;
  for (auto _ : state) {
    const auto began = std::chrono::steady_clock::now();
    if (!(*remote)->digest(messages, digests)) return state.SkipWithError("a call failed");
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began)
            .count());
  }
  std::ranges::sort(times);
  state.counters["median_us"] = times[times.size() / 2];
  state.counters["best_us"] = times.front();  // what a busy machine leaves of it
}
BENCHMARK(digest_call)
    ->Name("remote/digest")
    ->Arg(1)
    ->Arg(64)
    ->Arg(3136)
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace calx::remote
