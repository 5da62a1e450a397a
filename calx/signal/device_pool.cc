#include "calx/signal/device_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>

#include "calx/hash/big_endian.h"
#include "calx/work/share.h"

namespace calx::signal {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookAgain(200);  // breakers close by time alone

struct Device {
  std::string name;
  work::JobRunner* runner = nullptr;
  DeviceJobs jobs = DeviceJobs::kLanes;
  Breaker breaker;
  bool busy = false;
  Time busy_since{}, last_used{};
  std::optional<Time> last_share;
  std::uint64_t shares = 0, failures = 0, lies = 0;
  std::optional<double> celsius;
};

// One caller's job: what its lanes found and what became of those that found nothing.
struct Race {
  explicit Race(const work::Job& wanted) : job(wanted) {}
  const work::Job& job;
  std::stop_source stop;
  std::optional<work::FoundShare> won;
  std::optional<Error> fatal;  // of the job itself: no other device would do better
  unsigned running = 0, started = 0, lies = 0;
  bool whole_running = false;  // with a device that took the job as it is
  bool wants = true;           // another device, if there is one
  std::set<const Device*> tried;
  std::string troubles;
};

}  // namespace

Result<work::Job> lane_job(const work::Job& job, std::uint32_t lane) {
  if (job.extranonce1_bytes != work::kExtranonce1Bytes ||
      job.extranonce2_bytes != work::kExtranonce2Bytes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a job with extranonces of {} and {} bytes has no lanes, wanted {} and "
                            "{}",
                            job.extranonce1_bytes, job.extranonce2_bytes, work::kExtranonce1Bytes,
                            work::kExtranonce2Bytes));
  }
  work::Job split = job;
  std::array<std::uint8_t, kLaneBytes> number{};
  hash::store_be32(number.data(), lane);
  split.coinbase_part_1.insert(split.coinbase_part_1.end(), number.begin(), number.end());
  split.extranonce1_bytes = work::kExtranonce1Bytes;
  split.extranonce2_bytes = work::kExtranonce2Bytes - kLaneBytes;
  return split;
}

work::Share share_of_lane(const work::Share& share, std::uint32_t lane) {
  work::Share whole = share;
  whole.extranonce_1.resize(kLaneBytes);
  hash::store_be32(whole.extranonce_1.data(), lane);
  whole.extranonce_2 = share.extranonce_1;
  whole.extranonce_2.insert(whole.extranonce_2.end(), share.extranonce_2.begin(),
                            share.extranonce_2.end());
  return whole;
}

struct DevicePool::Impl {
  Policy policy;
  work::JobRunner* software;
  BreakerLimits limits;
  mutable std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<Device> devices;           // addresses stay
  std::vector<const Race*> races = {};  // in the order of arrival
  std::uint32_t next_lane = kLaneFirst;

  Device* find(std::string_view name) {
    const auto found = std::ranges::find(devices, name, &Device::name);
    return found == devices.end() ? nullptr : &*found;
  }

  bool may_try(const Device& device, const Race& race, Time now) const {
    const bool twice = device.jobs == DeviceJobs::kWhole && race.whole_running;
    return device.runner->origin() >= policy.origin_min && !race.tried.contains(&device) &&
           !twice && device.breaker.would_admit(now);
  }

  // Whether a job that came earlier could use this device too.
  bool claimed(const Device& device, const Race& race, Time now) const {
    for (const Race* earlier : races) {
      if (earlier == &race) return false;
      if (earlier->wants && may_try(device, *earlier, now)) return true;
    }
    return false;
  }

  // Of the free devices the one that waited longest; null when there is none now.
  Device* choose(const Race& race, Time now) {
    Device* best = nullptr;
    for (Device& device : devices) {
      if (device.busy || !may_try(device, race, now) || claimed(device, race, now)) continue;
      if (best == nullptr || device.last_used < best->last_used) best = &device;
    }
    return best;
  }

  // Whether waiting makes sense: a device that this job could get is with another one now.
  bool may_come(const Race& race, Time now) const {
    return std::ranges::any_of(devices,
                               [&](const Device& device) { return may_try(device, race, now); });
  }

  void judge(Device& device, Race& race, std::uint32_t lane, Result<work::FoundShare> found,
             Time limit);
  void search(Device& device, Race& race, std::uint32_t lane, const work::Job& job, Time limit);
  Result<void> start(Device& device, Race& race, std::vector<std::jthread>& threads, Time now);
  Result<void> race(Race& race, const std::stop_token& stop);
  Result<work::FoundShare> fall_back(const Race& race, const std::stop_token& stop) const;
};

// Caller holds the mutex.
void DevicePool::Impl::judge(Device& device, Race& race, std::uint32_t lane,
                             Result<work::FoundShare> found, Time limit) {
  const Time now = Clock::now();
  const auto trouble = [&](std::string_view what) {
    race.troubles += fmt::format("{}{}: {}", race.troubles.empty() ? "" : "; ", device.name, what);
  };
  const auto lied = [&](std::string_view what) {
    ++device.lies, ++race.lies;
    trouble(what);
    device.breaker.record_lie(std::string(what));
  };
  if (found) {
    const bool whole = device.jobs == DeviceJobs::kWhole;
    const bool sized =
        whole || (found->share.extranonce_1.size() == work::kExtranonce1Bytes &&
                  found->share.extranonce_2.size() == work::kExtranonce2Bytes - kLaneBytes);
    const work::Share share = sized && !whole ? share_of_lane(found->share, lane) : found->share;
    const work::CheckedShare checked = work::check_share(race.job, share);
    if (!sized || checked.verdict != work::ShareVerdict::kAccepted) {
      return lied(
          fmt::format("its share does not hold: {}", sized ? checked.reason : "wrong extranonces"));
    }
    const Origin origin = combine(found->origin, device.runner->origin());
    if (origin < policy.origin_min) {
      ++device.failures;
      trouble(fmt::format("origin {} where policy {} wants {}", to_string(origin), policy.name,
                          to_string(policy.origin_min)));
      return device.breaker.record_failure(now, "a share of too weak an origin");
    }
    ++device.shares;
    device.last_share = now;
    device.breaker.record_success(now);
    if (!race.won) race.won = work::FoundShare{share, origin, found->hashes};
    race.stop.request_stop();
    return;
  }
  const Error& error = found.error();
  switch (error.code) {
    case ErrorCode::kCancelled:
      return device.breaker.record_nothing();
    case ErrorCode::kInvalidArgument:
      race.fatal = error;
      race.stop.request_stop();
      return device.breaker.record_nothing();
    case ErrorCode::kDataLoss:
      return lied(error.message);
    default:
      break;
  }
  if (error.code == ErrorCode::kDeadlineExceeded && limit == race.job.deadline) {
    trouble("no share before the caller's deadline");
    return device.breaker.record_nothing();  // the caller was too hasty to tell
  }
  ++device.failures;
  trouble(error.message);
  device.breaker.record_failure(now, error.message);
}

void DevicePool::Impl::search(Device& device, Race& race, std::uint32_t lane, const work::Job& job,
                              Time limit) {
  auto found = device.runner->run(job, race.stop.get_token());
  const std::scoped_lock lock(mutex);
  judge(device, race, lane, std::move(found), limit);
  device.busy = false;
  device.last_used = Clock::now();
  --race.running;
  if (device.jobs == DeviceJobs::kWhole) race.whole_running = false;
  changed.notify_all();
}

// Caller holds the mutex.
Result<void> DevicePool::Impl::start(Device& device, Race& race, std::vector<std::jthread>& threads,
                                     Time now) {
  const bool whole = device.jobs == DeviceJobs::kWhole;
  const std::uint32_t lane = whole ? 0 : next_lane++;
  if (next_lane < kLaneFirst) next_lane = kLaneFirst;
  work::Job job = race.job;
  if (!whole) {
    CALX_ASSIGN(split, lane_job(race.job, lane));
    job = std::move(split);
  }
  job.deadline = std::min(race.job.deadline, now + policy.attempt_timeout);
  try {
    threads.emplace_back([this, &device, &race, lane, split = job, limit = job.deadline] {
      search(device, race, lane, split, limit);
    });
  } catch (const std::system_error& error) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("no thread for {}: {}", device.name, error.what()));
  }
  device.breaker.admit(now);  // choose() asked whether it would
  device.busy = true;
  device.busy_since = now;
  race.tried.insert(&device);
  race.whole_running = race.whole_running || whole;
  ++race.running, ++race.started;
  return {};
}

// Starts lanes and waits until one has won or no device is left to try.
Result<void> DevicePool::Impl::race(Race& race, const std::stop_token& stop) {
  std::vector<std::jthread> threads;  // joined before the race goes
  const std::stop_callback forward(stop, [&race, this] {
    race.stop.request_stop();
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  races.push_back(&race);
  Result<void> result;
  while (result) {
    const Time now = Clock::now();
    const bool late = now >= race.job.deadline;
    if (late) race.stop.request_stop();
    const bool over = race.won || race.fatal || late || stop.stop_requested();
    const bool more = !over && race.started < policy.attempts_max;
    race.wants = more && race.running < policy.lanes;
    if (Device* device = race.wants ? choose(race, now) : nullptr; device != nullptr) {
      result = start(*device, race, threads, now);
      continue;
    }
    if (race.running == 0 && (!more || !may_come(race, now))) break;
    const Time soon = now + kLookAgain;
    changed.wait_until(lock, late ? soon : std::min(race.job.deadline, soon));
  }
  std::erase(races, &race);
  changed.notify_all();
  race.stop.request_stop();
  lock.unlock();
  threads.clear();
  return result;
}

Result<work::FoundShare> DevicePool::Impl::fall_back(const Race& race,
                                                     const std::stop_token& stop) const {
  CALX_ASSIGN(found, software->run(race.job, stop));
  const work::CheckedShare checked = work::check_share(race.job, found.share);
  if (checked.verdict != work::ShareVerdict::kAccepted) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("the software behind the pool sent a share that does not hold: {}",
                            checked.reason));
  }
  found.origin = combine(found.origin, software->origin());
  return found;
}

DevicePool::DevicePool(Policy policy, work::JobRunner* software, BreakerLimits limits)
    : impl_(std::make_unique<Impl>()) {
  impl_->policy = policy;
  impl_->software = software;
  impl_->limits = limits;
}

DevicePool::~DevicePool() = default;

Result<void> DevicePool::add(std::string name, work::JobRunner& runner, DeviceJobs jobs) {
  const std::scoped_lock lock(impl_->mutex);
  if (name.empty() || impl_->find(name) != nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a device \"{}\" cannot join: the name is {}", name,
                            name.empty() ? "empty" : "taken"));
  }
  if (impl_->devices.size() >= kDevicesMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("the pool holds {} devices already", kDevicesMax));
  }
  Device& device = impl_->devices.emplace_back();
  device.name = std::move(name);
  device.runner = &runner;
  device.jobs = jobs;
  device.breaker = Breaker(impl_->limits);
  impl_->changed.notify_all();
  return {};
}

Origin DevicePool::origin() const noexcept {
  const std::scoped_lock lock(impl_->mutex);
  const bool fallback = impl_->software != nullptr && impl_->policy.software_fallback;
  Origin earliest = fallback ? impl_->software->origin() : Origin::kDevice;
  for (const Device& device : impl_->devices) {
    const Origin origin = device.runner->origin();
    if (origin >= impl_->policy.origin_min) earliest = combine(earliest, origin);
  }
  return earliest;
}

std::uint32_t DevicePool::version_mask() const noexcept {
  const std::scoped_lock lock(impl_->mutex);
  std::uint32_t mask = 0;
  for (const Device& device : impl_->devices) mask |= device.runner->version_mask();
  return mask;
}

Result<work::FoundShare> DevicePool::run(const work::Job& job, std::stop_token stop) {
  CALX_TRY(work::check(job));
  const Policy& policy = impl_->policy;
  if (!policy.search) {
    return fail(ErrorCode::kUnimplemented, fmt::format("policy {} starts no search", policy.name));
  }
  Race race(job);
  if (policy.attempts_max > 0) CALX_TRY(impl_->race(race, stop));
  if (race.won) return *std::move(race.won);
  if (race.fatal) return std::unexpected(*std::move(race.fatal));
  if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the search was stopped");
  if (Clock::now() >= job.deadline) {
    return fail(ErrorCode::kDeadlineExceeded,
                fmt::format("no share before the deadline ({})", race.troubles));
  }
  const bool allowed = policy.software_fallback && impl_->software != nullptr &&
                       impl_->software->origin() >= policy.origin_min;
  if (allowed) return impl_->fall_back(race, stop);
  const std::string troubles =
      race.troubles.empty() ? std::string("no device is ready") : race.troubles;
  const bool all_lied = race.started > 0 && race.lies == race.started;
  return fail(all_lied ? ErrorCode::kDataLoss : ErrorCode::kUnavailable,
              fmt::format("no share under policy {}: {}", policy.name, troubles));
}

std::vector<DeviceHealth> DevicePool::health() const {
  const std::scoped_lock lock(impl_->mutex);
  const Time now = Clock::now();
  std::vector<DeviceHealth> list;
  for (Device& device : impl_->devices) {
    if (device.busy) {
      device.breaker.record_silence(
          now, std::max(device.busy_since, device.last_share.value_or(device.busy_since)));
    }
    DeviceHealth& health = list.emplace_back();
    health = {.name = device.name,
              .origin = device.runner->origin(),
              .state = device.breaker.state(),
              .reason = device.breaker.reason(),
              .error_rate = device.breaker.error_rate(),
              .busy = device.busy,
              .shares = device.shares,
              .failures = device.failures,
              .lies = device.lies,
              .celsius = device.celsius};
    if (device.last_share) {
      health.last_share_age =
          std::chrono::duration_cast<std::chrono::milliseconds>(now - *device.last_share);
    }
  }
  return list;
}

Result<void> DevicePool::report_celsius(std::string_view name, double celsius) {
  const std::scoped_lock lock(impl_->mutex);
  Device* device = impl_->find(name);
  if (device == nullptr) {
    return fail(ErrorCode::kNotFound, fmt::format("no device is called \"{}\"", name));
  }
  device->celsius = celsius;
  device->breaker.record_celsius(Clock::now(), celsius);
  return {};
}

Result<void> DevicePool::reset(std::string_view name) {
  const std::scoped_lock lock(impl_->mutex);
  Device* device = impl_->find(name);
  if (device == nullptr) {
    return fail(ErrorCode::kNotFound, fmt::format("no device is called \"{}\"", name));
  }
  device->breaker.reset();
  impl_->changed.notify_all();
  return {};
}

}  // namespace calx::signal
