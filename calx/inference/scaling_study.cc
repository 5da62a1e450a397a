#include "calx/inference/scaling_study.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <limits>

#include "calx/inference/walk_trial.h"
#include "calx/thermo/noise_source.h"
#include "calx/thermo/sampler.h"

namespace calx::inference {
namespace {

// The growth with D may be off from 1 by this much for caches that are left behind on the way.
constexpr double kSlopeSlack = 0.2;
constexpr int kTries = 3;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Result<double> seconds_a_step(std::size_t units, std::size_t rank, double seconds) {
  CALX_ASSIGN(chain, thermo::Sampler<float>::create(
                         coupled_units(units, std::vector<double>(rank, 0.5)), {},
                         {.scheme = thermo::Scheme::kEulerMaruyama, .dynamics = {.step = 0.1}},
                         thermo::philox_noise(noise::Seed())));
  CALX_TRY(chain.advance(2));
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kTries; ++i) {
    std::uint64_t steps = 0;
    const double begin = cpu_seconds();
    double spent = 0;
    for (std::uint64_t more = 1; spent < seconds / kTries; more *= 2) {
      CALX_TRY(chain.advance(more));
      steps += more;
      spent = cpu_seconds() - begin;
    }
    least = std::min(least, spent / static_cast<double>(steps));
  }
  return least;
}

// Least squares of log y on log x.
double slope_of(const std::vector<double>& x, const std::vector<double>& y) {
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  const auto n = static_cast<double>(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double u = std::log(x[i]), v = std::log(y[i]);
    sx += u, sy += v, sxx += u * u, sxy += u * v;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

}  // namespace

Result<Report> study_scaling(const ScalingSettings& settings, const ScalingRun& run,
                             const Observer& observer) {
  if (settings.units.size() < 2 || settings.ranks.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("scaling: {} sizes and {} ranks, wanted at least 2 and 1",
                            settings.units.size(), settings.ranks.size()));
  }
  Report report;
  report.name = "scaling";
  report.title = "What a step costs";
  report.summary = "Does the cost of one Langevin step grow as units times rank?";
  report.facts = {{"command", run.command},
                  {"measured",
                   "CPU time of one thread, the fastest of three; the machine's other "
                   "load still takes its share of caches and memory"},
                  {"step", "Euler-Maruyama, Philox noise, one chain, float"}};
  Table table{.title = "Nanoseconds a unit and step",
              .note = "Constant down a column: O(D). Between columns: a + b k.",
              .columns = {"units"},
              .rows = {}};
  format::Chart chart{.title = "Time of a step",
                      .x_label = "log10 of units",
                      .y_label = "seconds a step",
                      .series = {},
                      .log_y = true};
  for (const std::size_t rank : settings.ranks) {
    table.columns.push_back(fmt::format("k = {}", rank));
    chart.series.push_back({.name = fmt::format("k = {}", rank), .x = {}, .y = {}, .dots = true});
  }
  std::vector<std::vector<double>> times(settings.ranks.size());
  std::vector<double> sizes;
  std::size_t done = 0;
  for (const std::size_t units : settings.units) {
    std::vector<std::string> row = {fmt::format("{}", units)};
    sizes.push_back(static_cast<double>(units));
    for (std::size_t k = 0; k < settings.ranks.size(); ++k) {
      if (run.stop.stop_requested()) return fail(ErrorCode::kCancelled, "scaling: stopped");
      if (observer) {
        observer({fmt::format("{} units, rank {}", units, settings.ranks[k]), done++,
                  settings.units.size() * settings.ranks.size()});
      }
      CALX_ASSIGN(seconds, seconds_a_step(units, settings.ranks[k], settings.seconds));
      times[k].push_back(seconds);
      row.push_back(fmt::format("{:.2f}", 1e9 * seconds / sizes.back()));
      chart.series[k].x.push_back(std::log10(sizes.back()));
      chart.series[k].y.push_back(seconds);
    }
    table.rows.push_back(std::move(row));
  }
  for (std::size_t k = 0; k < times.size(); ++k) {
    const double slope = slope_of(sizes, times[k]);
    report.answers.push_back(
        {std::abs(slope - 1) <= kSlopeSlack ? Verdict::kHolds : Verdict::kMissed,
         fmt::format("k = {}: time grows as D^{:.3f} from {} to {} units (1 is O(D); bar: within "
                     "{}).",
                     settings.ranks[k], slope, settings.units.front(), settings.units.back(),
                     kSlopeSlack)});
  }
  report.tables = {std::move(table)};
  report.charts = {std::move(chart)};
  return report;
}

}  // namespace calx::inference
