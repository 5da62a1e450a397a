// What batching is worth. Every answer is checked before its time counts.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <random>
#include <thread>

#include "calx/signal/batcher.h"
#include "calx/work/scanner_job_runner.h"

namespace calx::signal {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<BatchRequest> requests(std::uint32_t count) {
  std::vector<BatchRequest> list(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < 4; ++k) list[i].id[k] = static_cast<std::uint8_t>(i >> 8 * k);
    list[i].commitment = list[i].id;
    list[i].commitment[31] = 1;
  }
  return list;
}

bool holds(const BatchRequest& request, const Result<StampedRequest>& stamped) {
  if (!stamped) return false;
  const auto root = work::root_of(request.commitment, stamped->path, stamped->stamp->leaves);
  return root && *root == stamped->stamp->root;
}

// Submit, stamp at 2^20 hashes in software, and check the path of each of them.
void stamp_many(benchmark::State& state) {
  const auto list = requests(static_cast<std::uint32_t>(state.range(0)));
  for (auto _ : state) {
    Batcher batcher(work::software_runner(), {.target = *work::Target::from_work_bits(20)});
    const auto tickets = batcher.submit(list);
    if (!tickets) return state.SkipWithError("nothing was accepted");
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!holds(list[i], (*tickets)[i].wait())) {
        return state.SkipWithError("a stamp or a path does not hold: nothing was timed");
      }
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(list.size()) * state.iterations());
}
BENCHMARK(stamp_many)
    ->Name("batcher/stamp")
    ->Arg(65'536)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// A modelled LV06: 500 GH/s, shares above ticket mask 256 (2^40 hashes), 200 ms of latency, so 2.4
// s a share in the mean. The host's clock runs kFaster times as fast as the model's: what the
// batcher itself costs counts so many times against it.
constexpr double kRate = 500e9, kHashes = 1099511627776.0, kLatency = 0.2;
constexpr double kArrivals = 1000, kFaster = 20;
constexpr std::uint32_t kTrace = 20'000;

class Lv06 final : public work::JobRunner {
 public:
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kModelled; }
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override {
    std::this_thread::sleep_for(std::chrono::duration<double>(draw() / kFaster));
    return work::software_runner().run(job, stop);
  }
  double draw() { return kLatency + wait_(random_); }

 private:
  std::mt19937_64 random_{6};
  std::exponential_distribution<double> wait_{kRate / kHashes};
};

std::vector<double> arrivals() {
  std::mt19937_64 random(1);
  std::exponential_distribution<double> gap(kArrivals);
  std::vector<double> times(kTrace);
  double now = 0;
  for (double& time : times) time = now += gap(random);
  return times;
}

struct Waits {
  double per_second, p50, p99;
};

Waits judge(std::vector<double> waits, double end) {
  std::ranges::sort(waits);
  const auto at = [&](double part) {
    return waits[static_cast<std::size_t>(part * static_cast<double>(waits.size() - 1))];
  };
  return {static_cast<double>(waits.size()) / end, at(0.5), at(0.99)};
}

// One request a job: the exact recursion of a queue with one server, in the model's time.
Waits one_by_one() {
  Lv06 miner;
  std::vector<double> waits;
  double free = 0;
  for (const double arrival : arrivals()) {
    free = std::max(free, arrival) + miner.draw();
    waits.push_back(free - arrival);
  }
  return judge(std::move(waits), free);
}

// The batcher itself, on the same trace; nothing if an answer does not hold.
std::optional<Waits> batched() {
  Lv06 miner;
  const auto list = requests(kTrace);
  const auto times = arrivals();
  Batcher batcher(miner, {.target = *work::Target::from_work_bits(4),
                          .window = std::chrono::microseconds(500)});
  std::vector<Ticket> tickets;
  tickets.reserve(kTrace);
  std::atomic<std::size_t> submitted = 0;
  std::atomic<bool> refused = false;
  const auto model_time = [begin = Clock::now()] {
    return std::chrono::duration<double>(Clock::now() - begin).count() * kFaster;
  };
  const std::jthread client([&] {
    for (std::uint32_t i = 0; i < kTrace && !refused;) {
      std::vector<BatchRequest> due;
      for (const double now = model_time(); i < kTrace && times[i] <= now; ++i) {
        due.push_back(list[i]);
      }
      const auto places = batcher.submit(due);
      if (!places) refused = true;
      if (places) tickets.insert(tickets.end(), places->begin(), places->end());
      submitted = tickets.size();
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  });
  // In the order of arrival, which is the order of the batches.
  std::vector<double> waits;
  double end = 0;
  for (std::uint32_t i = 0; i < kTrace; ++i) {
    while (submitted <= i && !refused) std::this_thread::sleep_for(std::chrono::microseconds(50));
    if (refused || !holds(list[i], tickets[i].wait())) {
      refused = true;
      return std::nullopt;
    }
    end = model_time();
    waits.push_back(end - times[i]);
  }
  return judge(std::move(waits), end);
}

void poisson_trace(benchmark::State& state) {
  const Waits single = one_by_one();
  for (auto _ : state) {
    const auto many = batched();
    if (!many) return state.SkipWithError("a stamp or a path does not hold: nothing was timed");
    state.counters["batched/s"] = many->per_second;
    state.counters["batched_p50_s"] = many->p50;
    state.counters["batched_p99_s"] = many->p99;
    state.counters["single/s"] = single.per_second;
    state.counters["single_p50_s"] = single.p50;
    state.counters["single_p99_s"] = single.p99;
    state.counters["ratio"] = many->per_second / single.per_second;
  }
}
BENCHMARK(poisson_trace)
    ->Name("batcher/poisson")
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace calx::signal
