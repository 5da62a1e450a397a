// One job for many requests against one job for each, on the same arrivals, over the same bridge,
// with the same emulated LV06: waits in real time, at the pace and latency of the device.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "bench/cases.h"
#include "calx/base/hex.h"
#include "calx/emulate/farm.h"
#include "calx/signal/batcher.h"
#include "calx/stratum/bridge.h"
#include "calx/stratum/difficulty.h"

namespace calx::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr double kArrivals = 1000;                  // requests a second
constexpr std::chrono::milliseconds kLatency{200};  // injected, before every submit
constexpr unsigned kBaseBits = 6;                   // of the emulated chip: 2^14 hashes a share
constexpr int kLog2Difficulty = -18;                // = 256, its mask, after the shift
constexpr double kModelledService = 256.0 * 4294967296.0 / 433.6e9 + 0.2;  // seconds, mean
constexpr std::uint64_t kSeed = 1;

struct Leg {
  std::vector<double> waits;      // of each request, seconds, sorted
  std::vector<double> overheads;  // of each job, seconds, sorted
  double seconds = 0;             // from the first arrival to the last answer
  double service = 0;             // mean seconds of a job, by the clock
};

// What the emulated device drew for each share that it sent.
class Sent {
 public:
  void add(const emulate::MinerEvent& event) {
    if (event.kind != emulate::MinerEvent::Kind::kSent || !event.record) return;
    const std::lock_guard lock(mutex_);
    due_[key(event.record->extranonce_2, event.record->nonce, event.record->version_bits)] =
        event.record->due;
  }
  std::optional<Clock::time_point> due(const work::Share& share) {
    const std::lock_guard lock(mutex_);
    const auto found = due_.find(key(to_hex(share.extranonce_2), share.nonce, share.version_bits));
    if (found == due_.end()) return std::nullopt;
    return found->second;
  }

 private:
  static std::string key(const std::string& extranonce, std::uint32_t nonce, std::uint32_t bits) {
    return fmt::format("{}/{:08x}/{:08x}", extranonce, nonce, bits);
  }
  std::mutex mutex_;
  std::map<std::string, Clock::time_point> due_;
};

// The bridge's miners, with the time that each job took beyond its draw and the injected latency.
class TimedRunner final : public work::JobRunner {
 public:
  TimedRunner(stratum::Bridge& bridge, Sent& sent) : bridge_(bridge), sent_(sent) {}
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kEmulated; }
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override {
    const auto began = Clock::now();
    auto found = bridge_.run(job, std::move(stop));
    const auto ended = Clock::now();
    if (!found) return found;
    if (const auto due = sent_.due(found->share)) {
      overheads_.push_back(Seconds(ended - std::max(began, *due) - kLatency).count());
      services_.push_back(Seconds(ended - began).count());
    }
    return found;
  }
  std::vector<double> overheads_, services_;  // the batcher runs one job after the other

 private:
  stratum::Bridge& bridge_;
  Sent& sent_;
};

std::vector<double> arrivals(std::uint32_t count) {
  std::mt19937_64 random(kSeed);
  std::exponential_distribution<double> gap(kArrivals);
  std::vector<double> times(count);
  double now = 0;
  for (double& time : times) time = now += gap(random);
  return times;
}

signal::BatchRequest request(std::uint32_t number, std::uint8_t leg) {
  signal::BatchRequest made;
  for (std::size_t k = 0; k < 4; ++k) made.id[k] = static_cast<std::uint8_t>(number >> 8 * k);
  made.commitment = made.id;
  made.commitment[31] = made.id[31] = leg;
  return made;
}

// Submits on time; answers are awaited in the order of arrival, which is that of the jobs.
Result<Leg> run_leg(TimedRunner& runner, std::uint32_t count, std::size_t requests_max) {
  const auto times = arrivals(count);
  const auto leg_number = static_cast<std::uint8_t>(requests_max == 1 ? 1 : 2);
  signal::Batcher batcher(runner, {.target = stratum::target_of_difficulty(kLog2Difficulty),
                                   .window = std::chrono::microseconds(500),
                                   .requests_max = requests_max});
  std::vector<signal::Ticket> tickets;
  tickets.reserve(count);
  std::atomic<std::size_t> submitted = 0;
  std::atomic<bool> refused = false;
  const auto began = Clock::now();
  const auto clock = [&] { return Seconds(Clock::now() - began).count(); };
  const std::jthread client([&](const std::stop_token& stop) {
    for (std::uint32_t i = 0; i < count && !refused && !stop.stop_requested();) {
      std::vector<signal::BatchRequest> due;
      for (const double now = clock(); i < count && times[i] <= now; ++i) {
        due.push_back(request(i, leg_number));
      }
      if (const auto places = batcher.submit(due)) {
        tickets.insert(tickets.end(), places->begin(), places->end());
      } else {
        refused = true;
      }
      submitted = tickets.size();
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
  });
  Leg leg;
  for (std::uint32_t i = 0; i < count; ++i) {
    while (submitted <= i && !refused) std::this_thread::sleep_for(std::chrono::microseconds(200));
    if (refused) return fail(ErrorCode::kDataLoss, "the batcher refused a request");
    CALX_ASSIGN(stamped, tickets[i].wait());
    leg.seconds = clock();
    leg.waits.push_back(leg.seconds - times[i]);
    const auto root =
        work::root_of(request(i, leg_number).commitment, stamped.path, stamped.stamp->leaves);
    if (!root || *root != stamped.stamp->root || stamped.stamp->origin != Origin::kEmulated) {
      return fail(ErrorCode::kDataLoss, "a stamp or a path does not hold");
    }
  }
  if (runner.overheads_.empty()) {
    return fail(ErrorCode::kDataLoss, "the emulator knows nothing of the shares found");
  }
  leg.overheads = std::exchange(runner.overheads_, {});
  for (const double service : runner.services_) {
    leg.service += service / static_cast<double>(runner.services_.size());
  }
  runner.services_.clear();
  std::ranges::sort(leg.waits);
  std::ranges::sort(leg.overheads);
  return leg;
}

struct Legs {
  Leg single, batched;
};

// Both legs on one bridge with one emulated device, once for all rows.
Result<Legs> run_legs(bool quick) {
  stratum::BridgeOptions options;
  options.port = 0;
  options.vardiff.log2_start = kLog2Difficulty;
  options.vardiff.shares_per_second = 0;
  CALX_ASSIGN(bridge, stratum::Bridge::start(options));
  CALX_ASSIGN(device, emulate::find_emulated_device("lv06", kBaseBits));
  emulate::FarmOptions farm{.port = bridge->port()};
  farm.miner.device = device;
  farm.miner.faults.latency = kLatency;
  farm.miner.speed = quick ? 50 : 1;
  Sent sent;
  const std::jthread miner([&](const std::stop_token& stop) {
    static_cast<void>(run_farm(farm, stop, [&](const auto& event) { sent.add(event); }));
  });
  TimedRunner runner(*bridge, sent);
  CALX_ASSIGN(single, run_leg(runner, quick ? 4 : 40, 1));
  CALX_ASSIGN(batched, run_leg(runner, quick ? 1000 : 20'000, 65'536));
  return Legs{std::move(single), std::move(batched)};
}

std::string rate_text(const Leg& leg) {
  return fmt::format("{:.3g} requests/s over {} requests, wait {:.2f} s (median), {:.2f} s (p99)",
                     static_cast<double>(leg.waits.size()) / leg.seconds, leg.waits.size(),
                     quantile(leg.waits, 0.5), quantile(leg.waits, 0.99));
}

Measured ratio_of(const Legs& legs) {
  const auto rate = [](const Leg& leg) {
    return static_cast<double>(leg.waits.size()) / leg.seconds;
  };
  const double all = static_cast<double>(legs.batched.waits.size());
  return {rate(legs.batched) / rate(legs.single),
          fmt::format("batched: {}; one by one: {}, of those the first {}; modelled for all {:.0f} "
                      "from the {:.2f} s that each of its jobs took (the formula says {:.2f}): "
                      "wait {:.0f} s (median), {:.0f} s (p99)",
                      rate_text(legs.batched), rate_text(legs.single), legs.single.waits.size(),
                      all, legs.single.service, kModelledService,
                      all * 0.5 * (legs.single.service - 1 / kArrivals),
                      all * 0.99 * (legs.single.service - 1 / kArrivals))};
}

Measured overhead_of(const Legs& legs) {
  std::vector<double> all = legs.single.overheads;
  all.insert(all.end(), legs.batched.overheads.begin(), legs.batched.overheads.end());
  std::ranges::sort(all);
  return {1e3 * quantile(all, 0.99),
          fmt::format("p99 of {} jobs, median {:.2f} ms; the emulator's own search of 2^14 hashes, "
                      "where it was late, is in it",
                      all.size(), 1e3 * quantile(all, 0.5))};
}

}  // namespace

std::vector<FigureCase> batching_cases() {
  // The legs take two minutes: the first row that is run measures for both.
  const auto legs = std::make_shared<std::optional<Result<Legs>>>();
  const auto row = [legs](Measured (*read)(const Legs&)) {
    return [legs, read](bool quick) -> Result<Measured> {
      if (!*legs) *legs = run_legs(quick);
      if (!**legs) return std::unexpected((*legs)->error());
      return read(***legs);
    };
  };
  return {{.name = "device/batching/lv06",
           .what = "requests a second in one job for many over one job each, same Poisson arrivals "
                   "at 1000/s, 200 ms latency",
           .unit = "x",
           .bar = 200,
           .at_least = true,
           .origin = Origin::kEmulated,
           .run = row(ratio_of)},
          {.name = "device/bridge-overhead/lv06",
           .what = "from the call to the share, minus the drawn wait and the 200 ms",
           .unit = "ms",
           .bar = 10,
           .origin = Origin::kEmulated,
           .run = row(overhead_of)}};
}

}  // namespace calx::bench
