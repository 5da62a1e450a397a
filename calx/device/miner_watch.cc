#include "calx/device/miner_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "calx/device/pace.h"

namespace calx::device {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view kNames[] = {"unreachable", "hot", "errors", "idle", "silent"};
constexpr std::size_t kIdleLooks = 3;   // so long a miner may take to begin
constexpr double kIdleGhs = 1e-6;       // a NerdMiner does a hundred times more
constexpr double kWorkOfOne = 0x1p+32;  // hashes of a share of difficulty 1
constexpr double kMillisecondsMax = 1e12;

LanAddress with_port(LanAddress address, MinerApi api) {
  if (address.port == kEachOwnPort) address.port = default_port(api);
  return address;
}

class Watch {
 public:
  Watch(std::vector<WatchedMiner> miners, const WatchOptions& options,
        const WatchObserver& observer, std::stop_token stop, steady_clock::time_point deadline)
      : options_(options), observer_(observer), stop_(std::move(stop)), deadline_(deadline) {
    for (WatchedMiner& miner : miners) records_.emplace_back(std::move(miner), options.limits);
  }

  void run() {
    const std::size_t count = std::min(records_.size(), kWatchThreadsMax);
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < count; ++i) {
      threads.emplace_back([this, i, count] { look_after(i, count); });
    }
  }

 private:
  // Every `step`-th miner, round after round.
  void look_after(std::size_t first, std::size_t step) {
    auto round = steady_clock::now();
    for (;;) {
      for (std::size_t i = first; i < records_.size(); i += step) {
        if (!look(records_[i])) return;
      }
      round = std::max(round + options_.every, steady_clock::now());
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, stop_, std::min(round, deadline_), [] { return false; });
      if (stop_.stop_requested() || steady_clock::now() >= deadline_) return;
    }
  }

  // False when the time is over.
  bool look(MinerRecord& record) {
    auto seen = ask(record.miner());
    if (!seen && seen.error().code == ErrorCode::kCancelled) return false;
    WatchReport report = record.take(std::move(seen), steady_clock::now());
    if (options_.pause_when_hot && report.has(Concern::kHot)) pause(report);
    const std::scoped_lock lock(mutex_);
    observer_(report);
    return true;
  }

  Result<Telemetry> ask(const WatchedMiner& miner) {
    const auto turn = [this] { return pace_.wait(stop_, deadline_); };
    const auto read = [&](MinerApi api) {
      return read_telemetry(api, with_port(miner.address, api), options_.patience, turn);
    };
    if (miner.api) return read(*miner.api);
    auto axeos = read(MinerApi::kAxeos);
    if (axeos || axeos.error().code == ErrorCode::kCancelled) return axeos;
    auto cgminer = read(MinerApi::kCgminer);
    if (cgminer || cgminer.error().code == ErrorCode::kCancelled) return cgminer;
    return fail(ErrorCode::kUnavailable,
                fmt::format("{}; {}", axeos.error().message, cgminer.error().message));
  }

  void pause(WatchReport& report) {
    if (!report.telemetry || report.telemetry->paused) return;
    if (report.telemetry->api != MinerApi::kAxeos) {
      report.action = "cgminer's interface has no pause: stop it by hand";
      return;
    }
    const auto paused = pause_axeos(with_port(report.address, MinerApi::kAxeos));
    report.action =
        paused ? std::string(kAskedToPause) : "cannot be paused: " + paused.error().message;
  }

  const WatchOptions& options_;
  const WatchObserver& observer_;
  std::stop_token stop_;
  steady_clock::time_point deadline_;
  std::vector<MinerRecord> records_;
  Pace pace_{kWatchConnectsPerSecond};
  std::mutex mutex_;
  std::condition_variable_any wake_;
};

}  // namespace

std::string_view to_string(Concern concern) noexcept {
  return kNames[static_cast<std::size_t>(concern)];
}

bool WatchReport::has(Concern concern) const {
  return std::ranges::find(concerns, concern, [](const auto& pair) { return pair.first; }) !=
         concerns.end();
}

WatchReport MinerRecord::take(Result<Telemetry> seen, Time now) {
  WatchReport report{.name = miner_.name, .address = miner_.address};
  if (!seen) {
    report.concerns.emplace_back(Concern::kUnreachable, std::move(seen).error().message);
    return report;
  }
  const Telemetry telemetry = *std::move(seen);
  miner_.api = telemetry.api;
  if (telemetry.ghs) rates_[looks_++ % kMedianLooks] = *telemetry.ghs;
  count_shares(telemetry, now);
  report.ghs_median = median();
  if (accepted_) {
    report.share_age = std::chrono::duration_cast<milliseconds>(now - last_share_);
  }
  judge(telemetry, report);
  report.telemetry = telemetry;
  return report;
}

void MinerRecord::count_shares(const Telemetry& seen, Time now) {
  if (!seen.accepted) return;
  // A smaller count is that of a miner that began anew, and its silence begins anew, too. A pause
  // is no silence either.
  const bool restarted = accepted_ && *seen.accepted < *accepted_;
  if (!accepted_ || restarted) first_accepted_ = seen.accepted, first_rejected_ = seen.rejected;
  if (!accepted_ || *seen.accepted != *accepted_ || seen.paused) last_share_ = now;
  accepted_ = seen.accepted;
}

std::optional<double> MinerRecord::median() const {
  const std::size_t count = std::min(looks_, kMedianLooks);
  if (count == 0) return std::nullopt;
  auto rates = rates_;
  const auto end = rates.begin() + static_cast<std::ptrdiff_t>(count);
  std::ranges::sort(rates.begin(), end);
  return rates[(count - 1) / 2];
}

void MinerRecord::judge(const Telemetry& seen, WatchReport& report) const {
  if (auto why = too_hot(seen, limits_.heat)) {
    report.concerns.emplace_back(Concern::kHot, std::move(*why));
  }
  if (seen.error_percent && *seen.error_percent > limits_.error_percent_max) {
    report.concerns.emplace_back(
        Concern::kErrors, fmt::format("{:.3g} % of its returns are wrong, at most {} are allowed",
                                      *seen.error_percent, limits_.error_percent_max));
  }
  const double accepted = seen.accepted.value_or(0) - first_accepted_.value_or(0);
  const double rejected = seen.rejected.value_or(0) - first_rejected_.value_or(0);
  const double percent = 100 * rejected / std::max(accepted + rejected, 1.0);
  if (accepted + rejected >= limits_.shares_min && percent > limits_.rejected_percent_max) {
    report.concerns.emplace_back(
        Concern::kErrors, fmt::format("{:.3g} % of its shares were rejected, at most {} may be",
                                      percent, limits_.rejected_percent_max));
  }
  if (seen.paused) return;
  if (looks_ >= kIdleLooks && report.ghs_median.value_or(0) < kIdleGhs) {
    report.concerns.emplace_back(Concern::kIdle, "says that it hashes nothing");
  } else {
    judge_silence(seen, report);
  }
}

void MinerRecord::judge_silence(const Telemetry& seen, WatchReport& report) const {
  if (!report.share_age) return;
  const double difficulty = seen.pool_difficulty.value_or(0);
  const double hashes_per_second = 1e9 * report.ghs_median.value_or(0);
  milliseconds limit = limits_.silence_max;
  if (difficulty > 0 && hashes_per_second > 0) {
    const double wait = limits_.intervals_max * difficulty * kWorkOfOne / hashes_per_second;
    limit =
        std::max(limits_.silence_min,
                 milliseconds(static_cast<std::int64_t>(std::min(1e3 * wait, kMillisecondsMax))));
  }
  if (*report.share_age <= limit) return;
  report.concerns.emplace_back(
      Concern::kSilent,
      fmt::format("says {:.4g} GH/s, and no share was accepted for {} s; {} s would be long",
                  report.ghs_median.value_or(0), report.share_age->count() / 1000,
                  limit.count() / 1000));
}

Result<void> watch_miners(std::vector<WatchedMiner> miners, const WatchOptions& options,
                          const WatchObserver& observer, std::stop_token stop,
                          steady_clock::time_point deadline) {
  if (miners.empty() || miners.size() > kWatchedMax || options.every < kWatchEveryMin) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("watch of {} miners every {} ms, wanted 1 to {} and at least {} ms",
                    miners.size(), options.every.count(), kWatchedMax, kWatchEveryMin.count()));
  }
  Watch(std::move(miners), options, observer, std::move(stop), deadline).run();
  return {};
}

}  // namespace calx::device
