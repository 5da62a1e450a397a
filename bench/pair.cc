#include "bench/pair.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>

#include "calx/base/assert.h"

namespace calx::bench {
namespace {

constexpr std::uint64_t kRoundsMax = 1ull << 40;

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

Result<void> run_pairs(const Case& work, const Effort& effort, Outcome& outcome) {
  CALX_TRY(work.check());
  std::uint64_t salt = 0;
  CALX_ASSIGN(ours_rounds, rounds_for(work.ours, effort.slice_seconds, salt));
  CALX_ASSIGN(rival_rounds, rounds_for(work.rival, effort.slice_seconds, salt));
  std::vector<double> ours_share, rival_share;
  const auto once = [&](const Side& side, std::uint64_t rounds, std::vector<double>& out,
                        std::vector<double>& share) -> Result<void> {
    CALX_ASSIGN(spent, side.run(rounds, ++salt));
    const double seconds = work.clock == Clock::kCpu ? spent.cpu_seconds : spent.wall_seconds;
    if (!(seconds > 0)) return fail(ErrorCode::kInternal, side.name + ": took no time");
    share.push_back(spent.cpu_seconds / spent.wall_seconds);
    out.push_back(seconds / (static_cast<double>(rounds) * work.items_per_round));
    return {};
  };
  for (std::size_t pair = 0; pair < std::min(effort.pairs, work.pairs_max); ++pair) {
    if (pair % 2 == 0) CALX_TRY(once(work.ours, ours_rounds, outcome.ours, ours_share));
    CALX_TRY(once(work.rival, rival_rounds, outcome.rival, rival_share));
    if (pair % 2 == 1) CALX_TRY(once(work.ours, ours_rounds, outcome.ours, ours_share));
  }
  outcome.core_share = std::min(median(ours_share), median(rival_share));
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
  const bool busy = work.clock == Clock::kCore && outcome.core_share < kCoreShareMin;
  if (busy)
    outcome.detail += fmt::format("{}the machine was busy: {:.0f} % of a core",
                                  outcome.detail.empty() ? "" : "; ", 100 * outcome.core_share);
  if (work.bar > 0 && work.judged_here && effort.judge && !busy)
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
