#include "apps/cli/weather_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "calx/base/origin.h"

namespace calx::cli {
namespace {

using emulate::Fault;
using format::PageCheck;
using format::PageMark;
using Rows = std::vector<std::vector<std::string>>;
using Facts = std::vector<std::pair<std::string, std::string>>;

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

std::string date() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32] = "";
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

double milliseconds(const WeatherStudy& study, double p) {
  return 1e3 * study.report.farm.ledger.answer_quantile(p).count();
}

// Bytes a connection that the process gained since nobody was connected.
double per_connection(const WeatherStudy& study, std::uint64_t greatest) {
  const auto& memory = study.report.memory;
  const double gained = static_cast<double>(greatest) - static_cast<double>(memory.before);
  return std::max(0.0, gained) / static_cast<double>(study.options.miners);
}

double hash_rate(const WeatherStudy& study) {
  const auto& farm = study.report.farm;
  return static_cast<double>(farm.hashes) / std::max(1e-9, farm.ran.count());
}

std::string title(const WeatherStudy& study) {
  return study.report.complete ? "Bad weather: a crowd of emulated miners on one bridge"
                               : "INTERRUPTED: a crowd of emulated miners on one bridge";
}

Facts facts(const WeatherStudy& study) {
  const auto& options = study.options;
  const auto& report = study.report;
  return {
      {"date", date()},
      {"machine", fmt::format("{}, {} cores", processor(), std::thread::hardware_concurrency())},
      {"load of the machine, 1 minute",
       fmt::format("{:.2f} before, {:.2f} after", report.load_before, report.load_after)},
      {"origin of every share", std::string(to_string(emulate::kEmulatorOrigin))},
      {"command", study.command},
      {"miners", fmt::format("{}, {} of them liars", options.miners, options.liars)},
      {"plan", options.faults},
      {"plan of the liars", options.liar_faults},
      {"seed", options.seed},
      {"worked for", fmt::format("{:.1f} s of {:.1f} s{}", report.farm.ran.count(),
                                 1e-3 * static_cast<double>(options.run_time.count()),
                                 report.complete ? "" : ": stopped early")},
      {"hashes tried", fmt::format("{} ({:.2f} MH/s)", report.farm.hashes, hash_rate(study) / 1e6)},
      {"connections opened", fmt::format("{}", report.farm.connections)},
      {"shares later than modelled",
       fmt::format("{} (the processor that plays the miners was too slow for them)",
                   report.farm.late)},
      {"stamps made of shares meanwhile", fmt::format("{}", study.bridge.stamps)},
      {"bridge's own clock, line read to answer queued",
       fmt::format("below {} us (median), below {} us (p99)", study.bridge.verdict_us_p50,
                   study.bridge.verdict_us_p99)},
  };
}

PageCheck at_most(std::string name, double seen, double bar, std::string text, bool judged) {
  const PageMark mark = !judged       ? PageMark::kNotChecked
                        : seen <= bar ? PageMark::kPass
                                      : PageMark::kFail;
  return {mark, std::move(name), std::move(text)};
}

PageCheck liars_check(const WeatherStudy& study) {
  std::size_t missed = 0, slandered = 0;
  for (const std::uint32_t number : study.report.liars) {
    missed += study.bridge.named.contains(emulate::weather_worker(number)) ? 0 : 1;
  }
  for (std::uint32_t i = 0; i < study.options.miners; ++i) {
    slandered += !emulate::is_weather_liar(study.options, i) &&
                         study.bridge.named.contains(emulate::weather_worker(i))
                     ? 1
                     : 0;
  }
  return at_most("liars named, and nobody else", static_cast<double>(missed + slandered), 0,
                 fmt::format("{} planned, {} told {} lies or more; {} of those not named; {} "
                             "others named",
                             study.options.liars, study.report.liars.size(), emulate::kLiesNamed,
                             missed, slandered),
                 true);
}

Rows fault_rows(const WeatherStudy& study) {
  Rows rows;
  for (std::size_t i = 0; i < emulate::kFaultCount; ++i) {
    const auto& tally = study.report.farm.ledger.tallies()[i];
    rows.push_back({std::string(to_string(static_cast<Fault>(i))), fmt::format("{}", tally.shares),
                    fmt::format("{}", tally.right), fmt::format("{}", tally.wrong),
                    fmt::format("{}", tally.unanswered)});
  }
  return rows;
}

Rows answer_rows(const WeatherStudy& study) {
  static constexpr std::pair<std::size_t, const char*> kMeanings[] = {
      {0, "accepted"},   {20, "malformed or impossible"}, {21, "stale or unknown job"},
      {22, "duplicate"}, {23, "above the target"},        {24, "not authorized"}};
  Rows rows;
  for (const auto& [code, meaning] : kMeanings) {
    rows.push_back({code == 0 ? "-" : fmt::format("{}", code), meaning,
                    fmt::format("{}", study.report.answers[code])});
  }
  return rows;
}

const std::vector<std::string> kFaultHeader = {"planned", "shares", "right", "wrong",
                                               "without an answer"};
const std::vector<std::string> kAnswerHeader = {"code", "answer", "shares"};
constexpr const char* kHow =
    "Every emulated miner really searches every nonce that it submits. It writes down what it "
    "planned before it sends, and that plan judges the answers; the log of the bridge is not "
    "asked. The time of an answer is taken by the miner, from the moment its submit is due to "
    "leave until the answer is read, so it holds the miner's own delays too. A lost share is "
    "never sent, and one that is cut off with its connection may have no answer. Memory is the "
    "resident set of the bridge's own process; what the kernel keeps for sockets is not in it.";

std::string markdown_table(const std::vector<std::string>& header, const Rows& rows) {
  std::string text = fmt::format("\n| {} |\n|", fmt::join(header, " | "));
  for (std::size_t i = 0; i < header.size(); ++i) text += "---|";
  for (const auto& row : rows) text += fmt::format("\n| {} |", fmt::join(row, " | "));
  return text + "\n";
}

std::string_view word(PageMark mark) {
  return mark == PageMark::kPass ? "met" : mark == PageMark::kFail ? "MISSED" : "not judged";
}

}  // namespace

Result<BridgeSummary> read_summary(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("named") || !json["named"].is_array()) {
    return fail(ErrorCode::kDataLoss, fmt::format("bridge: \"{}\" is no summary", line));
  }
  const auto number = [&](const char* key) { return json.value(key, std::uint64_t{0}); };
  BridgeSummary summary;
  for (const auto& name : json["named"]) summary.named.insert(name.get<std::string>());
  summary.stamps = number("stamps");
  summary.false_stamps = number("false_stamps");
  summary.jobs_published = number("jobs_published");
  summary.connections_refused = number("connections_refused");
  summary.slow_readers_dropped = number("slow_readers_dropped");
  summary.verdict_us_p50 = number("verdict_us_p50");
  summary.verdict_us_p99 = number("verdict_us_p99");
  return summary;
}

std::vector<PageCheck> judge(const WeatherStudy& study) {
  const auto& report = study.report;
  const double wrong = static_cast<double>(report.farm.ledger.wrong());
  const double p99 = milliseconds(study, 0.99);
  const double idle = per_connection(study, report.memory.idle_max);
  const double working = per_connection(study, report.memory.working_max);
  const bool load = study.judges_load;
  return {
      at_most("wrong verdicts", wrong, 0, fmt::format("{:.0f}, wanted 0", wrong), true),
      at_most("false stamps", static_cast<double>(study.bridge.false_stamps), 0,
              fmt::format("{} of {}, wanted 0", study.bridge.false_stamps, study.bridge.stamps),
              true),
      liars_check(study),
      at_most("everybody was let in",
              static_cast<double>(study.options.miners - report.idle_connections +
                                  study.bridge.connections_refused),
              0,
              fmt::format("{} of {} connected and working, {} refused", report.idle_connections,
                          study.options.miners, study.bridge.connections_refused),
              report.complete),
      at_most("submit to verdict", p99, kAnswerMillisecondsMax,
              fmt::format("{:.2f} ms (median), {:.2f} ms (p99), wanted at most {} ms",
                          milliseconds(study, 0.5), p99, kAnswerMillisecondsMax),
              load),
      at_most("memory a connection, idle", idle, kConnectionBytesMax,
              fmt::format("{:.1f} KiB, wanted at most 64", idle / 1024), load),
      at_most("memory a connection, working", working, kConnectionBytesMax,
              fmt::format("{:.1f} KiB at most, wanted at most 64", working / 1024), load),
      at_most("hashes of all miners", hash_rate(study), kStudyHashesPerSecondMax,
              fmt::format("{:.2f} MH/s, wanted at most 10", hash_rate(study) / 1e6), true),
  };
}

bool holds(const std::vector<PageCheck>& checks) {
  return std::ranges::none_of(checks,
                              [](const PageCheck& check) { return check.mark == PageMark::kFail; });
}

std::string to_json(const WeatherStudy& study) {
  const auto& report = study.report;
  nlohmann::ordered_json json;
  json["complete"] = report.complete;
  for (const auto& [name, value] : facts(study)) json["facts"][name] = value;
  for (const auto& check : judge(study)) {
    json["checks"].push_back({{"name", check.name},
                              {"verdict", std::string(word(check.mark))},
                              {"detail", check.detail}});
  }
  for (const auto& row : fault_rows(study)) {
    for (std::size_t i = 1; i < row.size(); ++i) {
      json["by_plan"][row[0]][kFaultHeader[i]] = std::stoull(row[i]);
    }
  }
  for (const auto& row : answer_rows(study)) json["answers"][row[1]] = std::stoull(row[2]);
  json["origin"] = std::string(to_string(emulate::kEmulatorOrigin));
  json["answer_ms"] = {{"p50", milliseconds(study, 0.5)},
                       {"p99", milliseconds(study, 0.99)},
                       {"p99.9", milliseconds(study, 0.999)},
                       {"max", milliseconds(study, 1)}};
  json["bridge_bytes"] = {{"before", report.memory.before},
                          {"idle_max", report.memory.idle_max},
                          {"working_max", report.memory.working_max}};
  json["named"] = study.bridge.named;
  const auto bins = emulate::wait_bins(report.farm.ledger);
  for (std::size_t i = 0; i < bins.shares.size(); ++i) {
    if (bins.shares[i] == 0) continue;
    json["answer_bins"].push_back({{"below_ms", bins.upper_ms[i]}, {"shares", bins.shares[i]}});
  }
  return json.dump(1) + "\n";
}

std::string to_markdown(const WeatherStudy& study) {
  std::string text =
      fmt::format("# {}\n\nWritten by `calx study devices`. {}\n\n", title(study), kHow);
  for (const auto& [name, value] : facts(study)) text += fmt::format("- {}: {}\n", name, value);
  Rows checks;
  for (const auto& check : judge(study)) {
    checks.push_back({check.name, check.detail, std::string(word(check.mark))});
  }
  text += markdown_table({"asked", "seen", "verdict"}, checks);
  text += markdown_table(kFaultHeader, fault_rows(study));
  text += markdown_table(kAnswerHeader, answer_rows(study));
  return text;
}

std::string to_page(const WeatherStudy& study) {
  format::Page page(title(study), "calx study devices");
  page.checks(judge(study));
  page.paragraph(kHow);
  const auto bins = emulate::wait_bins(study.report.farm.ledger);
  format::Chart chart{
      .title = "From submit to verdict",
      .x_label = "answer within, log2 of milliseconds",
      .y_label = "shares in the bin (a quarter of an octave)",
      .series = {{.name = "shares", .x = bins.log2_ms, .y = bins.shares, .dots = true}},
      .log_y = true};
  page.chart(chart);
  page.heading("What was planned, and what came of it");
  page.table(kFaultHeader, fault_rows(study));
  page.table(kAnswerHeader, answer_rows(study));
  page.heading("The run");
  page.key_values(facts(study));
  return page.html();
}

}  // namespace calx::cli
