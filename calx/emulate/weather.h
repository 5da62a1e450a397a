// Bad weather on purpose: a crowd of emulated miners, most of them honest, all of them unlucky,
// against one bridge in another process; and what that process needed for it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/emulate/farm.h"

namespace calx::emulate {

struct WeatherOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 3333;
  pid_t bridge = 0;  // its process, on this machine: its memory is read from /proc
  std::size_t miners = 1000;
  std::size_t liars = 20;  // of them; the first, and every miners / liars after it
  std::chrono::milliseconds run_time = std::chrono::minutes(10);
  std::chrono::milliseconds idle_time = std::chrono::seconds(8);  // everybody connected, no shares
  double hashes_per_second = 10e6;  // of all together, in this process
  double speed = 1;
  std::string seed = "bad weather";
  std::string faults =
      "latency=200ms,loss=0.01,lie=0.005,duplicate=0.01,stale=0.01,corrupt=0.005,"
      "disconnect=0.002,half-open=0.0002";
  std::string liar_faults = "latency=200ms,lie=0.8";
};

/// Bytes that the bridge's process had in memory (VmRSS). What the kernel keeps for its sockets is
/// not among them.
struct BridgeMemory {
  std::uint64_t before = 0;       // no connection
  std::uint64_t idle_max = 0;     // everybody connected, authorized, with a job
  std::uint64_t working_max = 0;  // while they worked
};

struct WeatherReport {
  FarmReport farm = {};
  BridgeMemory memory = {};
  std::size_t idle_connections = 0;    // that were open when idle_max was taken
  std::set<std::uint32_t> liars = {};  // caught in so many lies that the bridge has to name it
  std::array<std::uint64_t, 25> answers = {};  // by code of the answer, 0 accepted, 24 the last
  double load_before = 0, load_after = 0;      // 1-minute load averages of the machine
  bool complete = false;                       // false: stopped before its time
};

/// Name of a miner as a worker, "miner-0007". One name each, so that a bridge can name it.
std::string weather_worker(std::uint32_t number);
/// Whether `number` is one of the planned liars.
bool is_weather_liar(const WeatherOptions& options, std::uint32_t number) noexcept;
/// The devices of the crowd in turn, each shifted as far as needed to stay within its part of
/// hashes_per_second. Errors: kInvalidArgument when even the greatest shift is not enough.
Result<std::vector<EmulatedDevice>> weather_devices(const WeatherOptions& options);

/// Lies refused as such, after which a bridge must have named a miner. Source:
/// docs/protocol/stratum.md.
inline constexpr std::uint64_t kLiesNamed = 16;

/// Connects everybody and lets them idle, then lets them work for run_time. The verdicts are judged
/// by the plan, not by the bridge. `stop` ends it early; that is no error.
/// Errors: kInvalidArgument (an option), kUnavailable (no such bridge or process).
Result<WeatherReport> run_weather(const WeatherOptions& options, std::stop_token stop,
                                  const std::function<void(std::string_view)>& say = {});

/// Waits for answers in bins of a factor 2^(1/4) from 2^-4 ms on.
struct WaitBins {
  std::vector<double> log2_ms, upper_ms;  // upper edges, twice
  std::vector<double> shares;
};
WaitBins wait_bins(const Ledger& ledger);

/// VmRSS of a process in bytes. Errors: kNotFound.
Result<std::uint64_t> resident_bytes(pid_t process);

}  // namespace calx::emulate
