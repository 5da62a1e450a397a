// Miners watched while they work: asked for their telemetry at a bounded rate, judged by limits,
// and paused when they are too hot if their owner said so.
//
// MinerRecord is the judgement, without sockets or clocks; watch_miners() is the loop around it.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calx/device/telemetry.h"

namespace calx::device {

inline constexpr std::size_t kWatchedMax = 256, kMedianLooks = 5, kWatchThreadsMax = 8;
inline constexpr std::chrono::milliseconds kWatchEveryMin{100};
inline constexpr double kWatchConnectsPerSecond = 50;
inline constexpr std::uint16_t kEachOwnPort = 0;  // of an address: 80 for AxeOS, 4028 for cgminer
inline constexpr std::string_view kAskedToPause = "asked to pause";

struct WatchLimits {
  HeatPolicy heat = {};
  double error_percent_max = 10;     // of the chip's returns
  double rejected_percent_max = 20;  // of the shares since the first look, from shares_min on
  double shares_min = 20;
  /// A miner is silent after this many mean waits D * 2^32 / H without an accepted share (a working
  /// one is with probability exp(-intervals_max)), but not before silence_min; after silence_max
  /// where difficulty or rate are not said.
  double intervals_max = 20;
  std::chrono::milliseconds silence_min{120'000}, silence_max{600'000};
};

enum class Concern : std::uint8_t {
  kUnreachable,  // does not answer
  kHot,          // a temperature is over its limit, or the device says that it overheated
  kErrors,       // too many of its returns are wrong, or its shares rejected
  kIdle,         // says itself that it hashes nothing
  kSilent,       // says that it hashes, and no share of it is accepted
};
/// "unreachable", "hot", "errors", "idle" or "silent".
std::string_view to_string(Concern concern) noexcept;

struct WatchedMiner {
  std::string name = {};             // as the caller calls it
  LanAddress address = {};           // its port may be kEachOwnPort
  std::optional<MinerApi> api = {};  // nothing: found out at the first answer
};

struct WatchReport {
  std::string name = {};
  LanAddress address = {};
  std::optional<Telemetry> telemetry = {};  // nothing: it did not answer
  std::optional<double> ghs_median = {};    // of the last kMedianLooks looks: spikes are no rate
  std::optional<std::chrono::milliseconds> share_age = {};  // since the count of accepted ones grew
  std::vector<std::pair<Concern, std::string>> concerns = {};
  std::string action = {};  // what was done about it, or why it could not be; mostly empty

  [[nodiscard]] bool has(Concern concern) const;
};

/// What is remembered of one miner. Times come from the caller.
class MinerRecord {
 public:
  using Time = std::chrono::steady_clock::time_point;
  MinerRecord(WatchedMiner miner, const WatchLimits& limits)
      : miner_(std::move(miner)), limits_(limits) {}

  WatchReport take(Result<Telemetry> seen, Time now);
  [[nodiscard]] const WatchedMiner& miner() const noexcept { return miner_; }

 private:
  void count_shares(const Telemetry& seen, Time now);
  [[nodiscard]] std::optional<double> median() const;
  void judge(const Telemetry& seen, WatchReport& report) const;
  void judge_silence(const Telemetry& seen, WatchReport& report) const;

  WatchedMiner miner_;
  WatchLimits limits_;
  std::array<double, kMedianLooks> rates_ = {};
  std::size_t looks_ = 0;
  std::optional<double> accepted_ = {}, first_accepted_ = {}, first_rejected_ = {};
  Time last_share_ = {};
};

struct WatchOptions {
  WatchLimits limits = {};
  std::chrono::milliseconds every{5000};  // between two looks at one miner, from kWatchEveryMin
  Patience patience{std::chrono::milliseconds(2000), std::chrono::milliseconds(5000)};
  /// Asks a miner that is too hot to pause (AxeOS), until it says that it does. It is not resumed
  /// here: whoever looks after it decides that (resume_axeos). The owner must have said so.
  bool pause_when_hot = false;
};

/// One call at a time, from any of the loop's threads.
using WatchObserver = std::function<void(const WatchReport&)>;

/// Looks at each miner every `every` until the stop or the deadline; a look that takes longer
/// delays the next. Ends within one patience of a stop. Errors: kInvalidArgument (no miner, more
/// than kWatchedMax, too short an `every`).
Result<void> watch_miners(std::vector<WatchedMiner> miners, const WatchOptions& options,
                          const WatchObserver& observer, std::stop_token stop,
                          std::chrono::steady_clock::time_point deadline);

}  // namespace calx::device
