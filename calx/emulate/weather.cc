#include "calx/emulate/weather.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

namespace calx::emulate {
namespace {

constexpr std::array kKinds = {"lv06", "bitaxe-gamma", "s9", "s3", "bitaxe-ultra"};
constexpr std::chrono::milliseconds kSampleEvery{100};
constexpr double kNoHashing = 1e-6;  // a second: an idle crowd

// The greatest resident set of a process while this lives.
class MemoryWatch {
 public:
  explicit MemoryWatch(pid_t process)
      : thread_([this, process](const std::stop_token& stop) { watch(process, stop); }) {}

  std::uint64_t finish() {
    thread_.request_stop();
    thread_.join();
    return greatest_;
  }

 private:
  void watch(pid_t process, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    do {
      greatest_ = std::max(greatest_, resident_bytes(process).value_or(0));
    } while (!woken.wait_for(lock, stop, kSampleEvery, [&] { return stop.stop_requested(); }));
  }

  std::uint64_t greatest_ = 0;
  std::jthread thread_;
};

double load_average() {
  double load = 0;
  std::ifstream("/proc/loadavg") >> load;
  return load;
}

Result<FarmOptions> crowd(const WeatherOptions& options) {
  CALX_ASSIGN(plan, FaultPlan::parse(options.faults));
  CALX_ASSIGN(liar_plan, FaultPlan::parse(options.liar_faults));
  CALX_ASSIGN(seed, noise::Seed::parse(options.seed));
  CALX_ASSIGN(devices, weather_devices(options));
  FarmOptions farm;
  farm.host = options.host;
  farm.port = options.port;
  farm.devices = std::move(devices);
  farm.count = options.miners;
  farm.run_time = options.run_time;
  farm.hashes_per_second_max = options.hashes_per_second;
  farm.miner.seed = seed;
  farm.miner.speed = options.speed;
  farm.vary = [options, plan, liar_plan](MinerOptions& miner) {
    miner.worker = weather_worker(miner.number);
    miner.faults = is_weather_liar(options, miner.number) ? liar_plan : plan;
  };
  return farm;
}

Result<void> check(const WeatherOptions& options) {
  if (options.miners < 1 || options.miners > kMinersMax || options.liars > options.miners) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("weather: {} miners, {} of them liars, wanted 1 to {}", options.miners,
                            options.liars, kMinersMax));
  }
  if (!(options.hashes_per_second > 0)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("weather: {} hashes a second", options.hashes_per_second));
  }
  return {};
}

// Everybody connects and gets a job; nobody hashes, so nobody submits.
Result<void> idle(const WeatherOptions& options, FarmOptions farm, std::stop_token stop,
                  WeatherReport& report) {
  farm.run_time = options.idle_time;
  farm.hashes_per_second_max = kNoHashing;
  std::set<std::uint32_t> working;
  MemoryWatch watch(options.bridge);
  CALX_ASSIGN(done, run_farm(farm, std::move(stop), [&](const MinerEvent& event) {
                if (event.kind == MinerEvent::Kind::kWorking) working.insert(event.miner);
                if (event.kind == MinerEvent::Kind::kHungUp) working.erase(event.miner);
              }));
  static_cast<void>(done);
  report.memory.idle_max = watch.finish();
  report.idle_connections = working.size();
  return {};
}

void judge(WeatherReport& report) {
  std::vector<std::uint64_t> lies;
  for (const SubmitRecord& record : report.farm.ledger.records()) {
    if (record.verdict) {
      const int last = static_cast<int>(report.answers.size()) - 1;
      ++report.answers[static_cast<std::size_t>(std::clamp(*record.verdict, 0, last))];
    }
    // A lie about a job that was withdrawn meanwhile is late before it is false.
    if (record.fault != Fault::kLie || record.verdict != kAboveTarget) continue;
    if (lies.size() <= record.miner) lies.resize(record.miner + 1);
    ++lies[record.miner];
  }
  for (std::size_t i = 0; i < lies.size(); ++i) {
    if (lies[i] >= kLiesNamed) report.liars.insert(static_cast<std::uint32_t>(i));
  }
}

}  // namespace

std::string weather_worker(std::uint32_t number) { return fmt::format("miner-{:04}", number); }

bool is_weather_liar(const WeatherOptions& options, std::uint32_t number) noexcept {
  if (options.liars == 0) return false;
  const auto gap = static_cast<std::uint32_t>(options.miners / options.liars);
  return number % gap == 0 && number / gap < options.liars;
}

Result<std::vector<EmulatedDevice>> weather_devices(const WeatherOptions& options) {
  const double part = options.hashes_per_second / static_cast<double>(options.miners);
  std::vector<EmulatedDevice> devices;
  for (const char* kind : kKinds) {
    CALX_ASSIGN(real, find_emulated_device(kind, kRealBaseBits));
    const double rate = real.hashes_per_second * options.speed;
    const double bits = std::floor(kRealBaseBits - std::log2(rate / part));
    if (bits < 1) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("weather: {} hashes a second for each miner, and {} would need {:.0f}"
                              " even with a base of 1 bit",
                              part, kind, std::ldexp(rate, 1 - int{kRealBaseBits})));
    }
    const auto base = std::min(static_cast<unsigned>(bits), kRealBaseBits);
    CALX_ASSIGN(device, find_emulated_device(kind, base));
    devices.push_back(std::move(device));
  }
  return devices;
}

Result<WeatherReport> run_weather(const WeatherOptions& options, std::stop_token stop,
                                  const std::function<void(std::string_view)>& say) {
  CALX_TRY(check(options));
  CALX_ASSIGN(farm, crowd(options));
  WeatherReport report;
  report.load_before = load_average();
  CALX_ASSIGN(before, resident_bytes(options.bridge));
  report.memory.before = before;
  if (say) say("everybody connects and waits");
  CALX_TRY(idle(options, farm, stop, report));
  if (say) say("everybody works");
  MemoryWatch watch(options.bridge);
  CALX_ASSIGN(worked, run_farm(farm, stop));
  report.memory.working_max = watch.finish();
  report.farm = std::move(worked);
  report.load_after = load_average();
  report.complete = !stop.stop_requested();
  judge(report);
  return report;
}

WaitBins wait_bins(const Ledger& ledger) {
  constexpr int kBins = 72, kPerOctave = 4, kFirst = -4;
  WaitBins bins;
  for (int i = 0; i < kBins; ++i) {
    bins.log2_ms.push_back(kFirst + static_cast<double>(i) / kPerOctave);
    bins.upper_ms.push_back(std::exp2(bins.log2_ms.back()));
    bins.shares.push_back(0);
  }
  for (const SubmitRecord& record : ledger.records()) {
    if (!record.verdict) continue;
    const double wait = 1e3 * std::max(0.0, record.waited.count());
    const auto place = std::ranges::lower_bound(bins.upper_ms, wait) - bins.upper_ms.begin();
    ++bins.shares[static_cast<std::size_t>(std::min<std::ptrdiff_t>(place, kBins - 1))];
  }
  return bins;
}

Result<std::uint64_t> resident_bytes(pid_t process) {
  std::ifstream status(fmt::format("/proc/{}/status", process));
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("VmRSS:")) continue;
    return 1024 * std::strtoull(line.c_str() + 6, nullptr, 10);
  }
  return fail(ErrorCode::kNotFound, fmt::format("process {}: it has no memory to read", process));
}

}  // namespace calx::emulate
