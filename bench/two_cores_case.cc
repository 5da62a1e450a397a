// Counter mode on two cores: twice the speed of one, or a lock or a shared cache line is in the
// way.
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <chrono>
#include <memory>
#include <thread>

#include "bench/cases.h"
#include "bench/counter_panel.h"

namespace calx::bench {
namespace {

using Steady = std::chrono::steady_clock;

// The calling thread stays on the nth of these cores for the rest of its life, before all ordinary
// work there where the system allows that (root): the wall time of two cores means nothing when
// something else has one of them.
void take_core(const cpu_set_t& allowed, std::size_t nth) {
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed) && nth-- == 0) CPU_SET(cpu, &one);
  sched_setaffinity(0, sizeof one, &one);
  const sched_param first{.sched_priority = sched_get_priority_min(SCHED_FIFO)};
  sched_setscheduler(0, SCHED_FIFO, &first);
}

struct Lane {
  CounterPanel panel;
  Steady::time_point begin, end;
  Spent spent;

  void run(std::uint64_t rounds, std::uint64_t salt) {
    begin = Steady::now();
    spent = panel.expand(rounds, salt);
    end = Steady::now();
  }
};

struct TwoCores {
  std::array<Lane, 2> lanes;
  std::array<std::vector<double>, 2> by_cpu_time;  // seconds a round, by threads - 1

  // Left to itself, the scheduler of a busy machine may keep two short threads on one core. Each
  // takes its own times, since whoever waits for them has to wait for a core.
  Spent run(std::size_t threads, std::uint64_t rounds, std::uint64_t salt) {
    cpu_set_t allowed;
    sched_getaffinity(0, sizeof allowed, &allowed);
    std::barrier together(static_cast<std::ptrdiff_t>(threads));
    {
      std::vector<std::jthread> workers;
      for (std::size_t i = 0; i < threads; ++i)
        workers.emplace_back([&, i] {
          take_core(allowed, i);
          together.arrive_and_wait();
          lanes[i].run(rounds / threads, salt + i);
        });
    }
    const std::span used = std::span(lanes).first(threads);
    Spent spent;
    for (const Lane& lane : used)
      spent.cpu_seconds += lane.spent.cpu_seconds / static_cast<double>(threads);
    const auto begin = std::ranges::min_element(used, {}, &Lane::begin)->begin;
    const auto end = std::ranges::max_element(used, {}, &Lane::end)->end;
    spent.wall_seconds = std::chrono::duration<double>(end - begin).count();
    by_cpu_time[threads - 1].push_back(spent.cpu_seconds / static_cast<double>(rounds));
    return spent;
  }
};

}  // namespace

Case two_cores_case(unsigned cores) {
  const auto pair = std::make_shared<TwoCores>();
  const auto side = [pair](std::string name, std::size_t threads) {
    return Side{std::move(name), [pair, threads](std::uint64_t rounds, std::uint64_t salt) {
                  return Result<Spent>(pair->run(threads, 2 * rounds, salt));
                }};
  };
  Case work;
  work.name = "hash/counter/two-cores";
  work.item = "block";
  work.items_per_round = 2 * kBlocks;
  work.clock = Clock::kCore;
  work.bar = 1.9;
  if (cores < 2) work.missing = "this process may use one core only";
  work.ours = side("expand, 2 threads on 2 cores", 2);
  work.rival = side("expand, 1 thread on 1 core", 1);
  work.check = [] { return Result<void>(); };  // the other counter cases have checked the digests
  work.remark = [pair] {
    return fmt::format("{:.2f}x by the threads' CPU time, which other load does not enter",
                       median(pair->by_cpu_time[0]) / median(pair->by_cpu_time[1]));
  };
  return work;
}

}  // namespace calx::bench
