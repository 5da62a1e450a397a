#include "bench/pair.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>

#include "calx/base/assert.h"

namespace calx::bench {
namespace {

constexpr std::uint64_t kRoundsMax = 1ull << 40;
constexpr std::size_t kCoreAttempts = 4;  // pairs tried for each one wanted, by Clock::kCore

// The number of rounds that fills the slice; the trials also warm caches and page tables.
Result<std::uint64_t> rounds_for(const Side& side, double slice_seconds, std::uint64_t& salt) {
  if (side.fixed_rounds != 0) {
    CALX_TRY(side.run(side.fixed_rounds, ++salt));
    return side.fixed_rounds;
  }
  std::uint64_t rounds = 1;
  for (;;) {
    CALX_ASSIGN(spent, side.run(rounds, ++salt));
    const double seconds = spent.cpu_seconds;
    if (seconds >= slice_seconds || rounds >= kRoundsMax) return rounds;
    const double growth = std::clamp(1.2 * slice_seconds / std::max(seconds, 1e-9), 1.2, 16.0);
    rounds = static_cast<std::uint64_t>(static_cast<double>(rounds) * growth) + 1;
  }
}

struct Series {
  std::vector<double> ours, rival, core_share;
};

// Seconds an item of both sides, and the share of a core that the worse-off side had.
Result<void> add_pair(const Case& work, const Spent& ours, const Spent& rival,
                      std::uint64_t ours_rounds, std::uint64_t rival_rounds, Series& series) {
  const auto seconds = [&](const Spent& spent, std::uint64_t rounds) {
    return (work.clock == Clock::kCpu ? spent.cpu_seconds : spent.wall_seconds) /
           (static_cast<double>(rounds) * work.items_per_round);
  };
  series.ours.push_back(seconds(ours, ours_rounds));
  series.rival.push_back(seconds(rival, rival_rounds));
  series.core_share.push_back(
      std::min(ours.cpu_seconds / ours.wall_seconds, rival.cpu_seconds / rival.wall_seconds));
  if (!(series.ours.back() > 0) || !(series.rival.back() > 0))
    return fail(ErrorCode::kInternal, work.name + ": a side took no time");
  return {};
}

Result<void> run_pairs(const Case& work, const Effort& effort, Outcome& outcome) {
  CALX_TRY(work.check());
  std::uint64_t salt = 0;
  CALX_ASSIGN(ours_rounds, rounds_for(work.ours, effort.slice_seconds, salt));
  CALX_ASSIGN(rival_rounds, rounds_for(work.rival, effort.slice_seconds, salt));
  const std::size_t wanted = std::min(effort.pairs, work.pairs_max);
  const bool wants_core = work.clock == Clock::kCore;
  const std::size_t attempts_max = wants_core ? kCoreAttempts * wanted : wanted;
  Series all, undisturbed;
  for (std::size_t i = 0; i < attempts_max && undisturbed.ours.size() < wanted; ++i) {
    const bool ours_first = i % 2 == 0;
    CALX_ASSIGN(
        first,
        (ours_first ? work.ours : work.rival).run(ours_first ? ours_rounds : rival_rounds, ++salt));
    CALX_ASSIGN(
        second,
        (ours_first ? work.rival : work.ours).run(ours_first ? rival_rounds : ours_rounds, ++salt));
    const Spent& ours = ours_first ? first : second;
    const Spent& rival = ours_first ? second : first;
    CALX_TRY(add_pair(work, ours, rival, ours_rounds, rival_rounds, all));
    if (!wants_core || all.core_share.back() >= kCoreShareMin)
      CALX_TRY(add_pair(work, ours, rival, ours_rounds, rival_rounds, undisturbed));
  }
  outcome.busy = undisturbed.ours.size() < wanted;
  const Series& used = outcome.busy ? all : undisturbed;
  outcome.disturbed = all.ours.size() - undisturbed.ours.size();
  outcome.ours = used.ours;
  outcome.rival = used.rival;
  outcome.core_share = median(used.core_share);
  return {};
}

double thread_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kMet:
      return "met";
    case Verdict::kMissed:
      return "missed";
    case Verdict::kShown:
      return "no verdict";
    case Verdict::kUnavailable:
      return "not available";
    case Verdict::kWrong:
      return "WRONG";
  }
  return "unknown";
}

double median(std::vector<double> values) {
  CALX_ASSERT(!values.empty());
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Ratio compare(std::span<const double> ours, std::span<const double> rival) {
  CALX_ASSERT(ours.size() == rival.size() && !ours.empty());
  Ratio ratio;
  ratio.of_medians = median({rival.begin(), rival.end()}) / median({ours.begin(), ours.end()});
  ratio.pair_min = ratio.pair_max = rival[0] / ours[0];
  for (std::size_t i = 1; i < ours.size(); ++i) {
    ratio.pair_min = std::min(ratio.pair_min, rival[i] / ours[i]);
    ratio.pair_max = std::max(ratio.pair_max, rival[i] / ours[i]);
  }
  return ratio;
}

Outcome measure(const Case& work, const Effort& effort) {
  Outcome outcome{.name = work.name,
                  .item = work.item,
                  .ours_name = work.ours.name,
                  .rival_name = work.rival.name,
                  .as_time = work.as_time,
                  .clock = work.clock,
                  .bar = work.bar};
  if (!work.missing.empty()) {
    outcome.verdict = Verdict::kUnavailable;
    outcome.detail = work.missing;
    return outcome;
  }
  if (const auto done = run_pairs(work, effort, outcome); !done) {
    outcome.ours.clear();
    outcome.rival.clear();
    outcome.verdict = Verdict::kWrong;
    outcome.detail = done.error().message;
    return outcome;
  }
  outcome.ratio = compare(outcome.ours, outcome.rival);
  if (work.remark) outcome.detail = work.remark();
  if (outcome.disturbed > 0)
    outcome.detail += fmt::format(
        "{}{} of {} pairs did not have {:.0f} % of their cores{}",
        outcome.detail.empty() ? "" : "; ", outcome.disturbed,
        outcome.busy ? outcome.ours.size() : outcome.ours.size() + outcome.disturbed,
        100 * kCoreShareMin, outcome.busy ? ": the machine is busy" : " and were left out");
  if (work.bar > 0 && work.judged_here && effort.judge && !outcome.busy)
    outcome.verdict = outcome.ratio.of_medians >= work.bar ? Verdict::kMet : Verdict::kMissed;
  return outcome;
}

Spent timed(const std::function<void()>& work) {
  const double cpu = thread_cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  work();
  const auto end = std::chrono::steady_clock::now();
  return {.wall_seconds = std::chrono::duration<double>(end - start).count(),
          .cpu_seconds = thread_cpu_seconds() - cpu};
}

}  // namespace calx::bench
