// Many emulated miners in one thread, connected to one bridge or pool.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"
#include "calx/emulate/ledger.h"
#include "calx/emulate/miner.h"
#include "calx/tls/context.h"

namespace calx::emulate {

inline constexpr std::size_t kMinersMax = 10'000;
/// How long the answers to the last shares are waited for when the time is up.
inline constexpr std::chrono::milliseconds kLastAnswersMax{1000};

struct FarmOptions {
  std::string host = "127.0.0.1";  // a name or a literal address
  std::uint16_t port = 3333;
  /// Of a client: all connections use TLS with the server of that name (empty: host). Null: plain.
  std::shared_ptr<const tls::Context> tls = {};
  std::string tls_name = {};
  MinerOptions miner = {};                   // of all; the number is set for each
  std::vector<EmulatedDevice> devices = {};  // dealt out in turn; empty: miner.device for all
  std::size_t count = 1;                     // miners
  std::chrono::milliseconds run_time = std::chrono::hours(24);
  double hashes_per_second_max = 1e12;  // of all together: what this processor may spend on them
  /// Called for each miner once its number and device are set: another name, plan or speed. May be
  /// empty.
  std::function<void(MinerOptions&)> vary = {};
};

struct FarmReport {
  Ledger ledger = {};
  std::uint64_t hashes = 0;       // really tried, here
  std::uint64_t late = 0;         // shares sent later than modelled: the processor was too slow
  std::uint64_t connections = 0;  // opened, reconnects included
  std::uint64_t refused = 0;      // attempts that failed
  Seconds ran = Seconds(0);
};

/// Runs until the time is up or `stop` is asked; neither is an error. `observe` may be empty; it is
/// called on this thread and must return soon.
/// Errors: kInvalidArgument (an option), kNotFound (the host has no address), kUnavailable (nobody
/// ever answered there; a certificate that is not trusted; out of sockets).
Result<FarmReport> run_farm(const FarmOptions& options, std::stop_token stop,
                            const std::function<void(const MinerEvent&)>& observe = {});

/// "127.0.0.1:3333", "[::1]:3333", "pool.example:3333". Errors: kInvalidArgument.
Result<std::pair<std::string, std::uint16_t>> parse_endpoint(std::string_view text);

}  // namespace calx::emulate
