// What the bridge costs. stratum/checked_shares/loopback/branches:12: submits sent over a socket,
// hashed again, answered.
//
// The client's thread writes submits whose every hash meets the difficulty (2^-33) and counts the
// answers; any other answer than true is an error. per_core counts the processor time of all other
// threads, which is the server's: it is the rate of one core that does nothing else.
//
// stratum/job_to_share/loopback/difficulty:2^-20: from run() to its return, with one miner on this
// processor; 4096 hashes are expected. The counters are quantiles in milliseconds.
#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "calx/hash/sha256.h"
#include "calx/stratum/bridge.h"
#include "calx/stratum/difficulty.h"
#include "calx/stratum/miner_test.h"

namespace calx::stratum {
namespace {

constexpr int kShares = 4096;  // an iteration
constexpr int kWindow = 128;   // sent and not yet answered, at most

double cpu_seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

BridgeOptions options() {
  BridgeOptions options;
  options.port = 0;
  options.limits.requests_per_second = 1e12;
  options.vardiff.log2_start = options.vardiff.log2_min = kLog2DifficultyMin;
  options.vardiff.shares_per_second = 0;
  return options;
}

work::Job job_with_branches(int count) {
  work::Job job = work::template_job({}, work::Target::from_work_bits(64).value());
  for (int i = 0; i < count; ++i) job.branches.push_back(hash::sha256(std::to_string(i)));
  return job;
}

// Sends kShares submits of ever new nonces; false on any answer but true.
bool send_shares(ScriptedMiner& miner, const std::string& job_id, work::Share& share) {
  int sent = 0, answered = 0;
  while (answered < kShares) {
    std::string text;
    for (; sent < kShares && sent - answered < kWindow; ++sent, ++share.nonce) {
      text += submit_line("w", job_id, share);
    }
    if (!miner.send(text)) return false;
    for (const int half = std::min(sent, answered + kWindow / 2); answered < half; ++answered) {
      const auto line = miner.line();
      if (!line || line->find("\"result\":true") == std::string::npos) return false;
    }
  }
  return true;
}

void checked_shares(benchmark::State& state) {
  const auto bridge = Bridge::start(options()).value();
  ScriptedMiner miner(bridge->port());
  std::stop_source stop;
  const work::Job job = job_with_branches(12);
  if (!miner.join("w", "x")) return state.SkipWithError("the miner was not let in");
  const std::jthread caller([&] { (void)bridge->run(job, stop.get_token()); });
  const auto notify = nlohmann::json::parse(miner.line_with(to_hex(job.branches[0])));
  const std::string job_id = notify["params"][0];
  work::Share share{.extranonce_1 = miner.extranonce_1(),
                    .extranonce_2 = std::vector<std::uint8_t>(8),
                    .ntime = job.ntime};
  double server_seconds = 0;
  for (auto _ : state) {
    const double all = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const double own = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
    if (!send_shares(miner, job_id, share)) {
      state.SkipWithError("an answer was not true");
      break;
    }
    server_seconds +=
        cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - all - (cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - own);
  }
  stop.request_stop();
  const auto shares = static_cast<double>(state.iterations()) * kShares;
  if (bridge->metrics().verdict.count() != share.nonce) {
    state.SkipWithError("the bridge counted other shares than were sent");
  }
  state.SetItemsProcessed(state.iterations() * kShares);
  state.counters["per_core"] = shares / server_seconds;
}
BENCHMARK(checked_shares)
    ->Name("stratum/checked_shares/loopback/branches:12")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void job_to_share(benchmark::State& state) {
  BridgeOptions wanted = options();
  wanted.vardiff.log2_start = -20;
  const auto bridge = Bridge::start(wanted).value();
  const std::jthread miner([&](std::stop_token stop) { mine(bridge->port(), "w", "x", stop); });
  const auto target = work::Target::from_difficulty(1, 1 << 20).value();
  std::vector<double> milliseconds;
  for (auto _ : state) {
    const auto began = std::chrono::steady_clock::now();
    const auto payload = hash::sha256(std::to_string(milliseconds.size()));
    if (!bridge->run(work::template_job(payload, target), {})) {
      state.SkipWithError("a job was not found");
      break;
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - began;
    milliseconds.push_back(took.count());
  }
  if (milliseconds.empty()) return;
  std::ranges::sort(milliseconds);
  state.counters["p50_ms"] = milliseconds[milliseconds.size() / 2];
  state.counters["p99_ms"] = milliseconds[milliseconds.size() * 99 / 100];
}
BENCHMARK(job_to_share)
    ->Name("stratum/job_to_share/loopback/difficulty:2^-20")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace calx::stratum
