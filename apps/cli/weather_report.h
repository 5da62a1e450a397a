// The report of `calx study devices`: as JSON, as Markdown, as one page.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "calx/base/result.h"
#include "calx/emulate/weather.h"
#include "calx/format/page.h"

namespace calx::cli {

inline constexpr double kAnswerMillisecondsMax = 50;      // p99, from submit to verdict
inline constexpr double kConnectionBytesMax = 64 * 1024;  // of the bridge's process
inline constexpr double kStudyHashesPerSecondMax = 10e6;  // of all emulated miners together

/// What the bridge's own process said when it ended; shown, and judged by nobody but for the names.
struct BridgeSummary {
  std::set<std::string> named = {};
  std::uint64_t stamps = 0, false_stamps = 0, jobs_published = 0, connections_refused = 0,
                slow_readers_dropped = 0;
  std::uint64_t verdict_us_p50 = 0, verdict_us_p99 = 0;  // upper ends of bins of a factor two
};

/// Errors: kDataLoss when it is not a summary.
Result<BridgeSummary> read_summary(const std::string& line);

struct WeatherStudy {
  emulate::WeatherOptions options = {};
  emulate::WeatherReport report = {};
  BridgeSummary bridge = {};
  std::string command = {};
  bool judges_load = true;  // false: too few miners or too short for time and memory to mean much
};

/// What was asked for, what was seen, and whether that is enough. A bar that is not judged is
/// marked kNotChecked.
std::vector<format::PageCheck> judge(const WeatherStudy& study);
/// Every check that is not kFail.
bool holds(const std::vector<format::PageCheck>& checks);

std::string to_json(const WeatherStudy& study);
std::string to_markdown(const WeatherStudy& study);
std::string to_page(const WeatherStudy& study);

}  // namespace calx::cli
