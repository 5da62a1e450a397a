#include "bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "calx/base/origin.h"

namespace calx::bench {
namespace {

std::string scaled(double value, std::span<const std::string_view> prefixes) {
  std::size_t step = 0;
  while (value >= 1000 && step + 1 < prefixes.size()) value /= 1000, ++step;
  return fmt::format("{:.{}f}{}", value, value < 10 ? 2 : value < 100 ? 1 : 0, prefixes[step]);
}

// "76.3 M block/s" or "31.2 us/latent", from seconds an item.
std::string speed(const Outcome& outcome, const std::vector<double>& seconds) {
  if (seconds.empty()) return "-";
  static constexpr std::array<std::string_view, 4> kMany = {" ", " k ", " M ", " G "};
  static constexpr std::array<std::string_view, 4> kTimes = {" ns", " us", " ms", " s"};
  const double middle = median(seconds);
  return outcome.as_time ? scaled(middle * 1e9, kTimes) + "/" + outcome.item
                         : scaled(1 / middle, kMany) + outcome.item + "/s";
}

std::string ratio_text(const Outcome& outcome) {
  if (outcome.ours.empty()) return "-";
  return fmt::format("{:.2f}x ({:.2f}-{:.2f})", outcome.ratio.of_medians, outcome.ratio.pair_min,
                     outcome.ratio.pair_max);
}

std::string bar_text(const Outcome& outcome) {
  return outcome.bar > 0 ? fmt::format(">= {:.2f}x", outcome.bar) : "-";
}

Facts machine_facts(const Report& report) {
  const Machine& machine = report.machine;
  Facts facts = {
      {"date", machine.date},
      {"machine", fmt::format("{}, {} cores, {}", machine.cpu, machine.cores, machine.system)},
      {"CPU features", machine.features.empty() ? "none that a kernel uses" : machine.features},
      {"load at the start", machine.load},
      {"compiler", machine.compiler},
      {"calx", CALX_VERSION},
      {"origin of every figure",
       fmt::format("{}, if its row says nothing else", to_string(Origin::kSoftware))},
      {"method",
       fmt::format(
           "{} pairs of at least {:.0f} ms a side; CPU time where one thread works, else wall "
           "time",
           report.effort.pairs, report.effort.slice_seconds * 1e3)},
      {"command", report.command}};
  facts.insert(facts.end(), report.facts.begin(), report.facts.end());
  return facts;
}

}  // namespace

std::string to_line(const Outcome& outcome) {
  std::string line =
      fmt::format("{:<34} {:>19} {:>19}  {:<22} {:<9} {}", outcome.name,
                  speed(outcome, outcome.ours), speed(outcome, outcome.rival), ratio_text(outcome),
                  bar_text(outcome), to_string(outcome.verdict));
  line += fmt::format("\n    {} against {}", outcome.ours_name, outcome.rival_name);
  if (!outcome.detail.empty()) line += fmt::format("; {}", outcome.detail);
  return line;
}

std::string to_line(const Figure& figure) {
  std::string line = fmt::format("{:<34} {:>19} {:>19}  {:<22} {}\n    {} ({})", figure.name,
                                 value_text(figure), "", bar_text(figure),
                                 to_string(figure.verdict), figure.what, to_string(figure.origin));
  if (!figure.detail.empty()) line += fmt::format("; {}", figure.detail);
  return line;
}

std::string to_markdown(const Report& report) {
  std::string text =
      "# Calx against its rivals\n\nWritten by `calx bench`. Both sides of a row ran in "
      "turns in one run; the ratio is the rival's\nmedian time over ours, in brackets "
      "the range over the pairs. Only ratios carry over to other machines.\n\n";
  for (const auto& [name, value] : machine_facts(report))
    text += fmt::format("- {}: {}\n", name, value);
  text += "\n| case | ours | rival | ratio | bar | verdict |\n|---|---|---|---|---|---|\n";
  for (const auto& outcome : report.outcomes)
    text +=
        fmt::format("| {}{} | {}: {} | {}: {} | {} | {} | {} |\n", outcome.name,
                    outcome.detail.empty() ? "" : " (" + outcome.detail + ")", outcome.ours_name,
                    speed(outcome, outcome.ours), outcome.rival_name, speed(outcome, outcome.rival),
                    ratio_text(outcome), bar_text(outcome), to_string(outcome.verdict));
  if (report.figures.empty()) return text;
  text +=
      "\n## Against a stated bar\n\nNo rival does the same; these are measured by themselves, so "
      "the load of the machine is in\nthem.\n\n| case | measured | bar | verdict | origin | how "
      "|\n|---|---|---|---|---|---|\n";
  for (const auto& figure : report.figures)
    text += fmt::format("| {}: {} | {} | {} | {} | {} | {} |\n", figure.name, figure.what,
                        value_text(figure), bar_text(figure), to_string(figure.verdict),
                        to_string(figure.origin), figure.detail);
  return text;
}

std::string to_json(const Report& report) {
  nlohmann::ordered_json document;
  for (const auto& [name, value] : machine_facts(report)) document["facts"][name] = value;
  document["cases"] = nlohmann::ordered_json::array();
  for (const auto& outcome : report.outcomes) {
    document["cases"].push_back({{"name", outcome.name},
                                 {"item", outcome.item},
                                 {"ours", outcome.ours_name},
                                 {"rival", outcome.rival_name},
                                 {"clock", outcome.clock == Clock::kCpu ? "cpu" : "wall"},
                                 {"core_share", outcome.core_share},
                                 {"ours_seconds", outcome.ours},
                                 {"rival_seconds", outcome.rival},
                                 {"ratio", outcome.ratio.of_medians},
                                 {"ratio_pair_min", outcome.ratio.pair_min},
                                 {"ratio_pair_max", outcome.ratio.pair_max},
                                 {"bar", outcome.bar},
                                 {"verdict", to_string(outcome.verdict)},
                                 {"detail", outcome.detail},
                                 {"origin", to_string(Origin::kSoftware)}});
  }
  document["figures"] = nlohmann::ordered_json::array();
  for (const auto& figure : report.figures) {
    document["figures"].push_back({{"name", figure.name},
                                   {"what", figure.what},
                                   {"unit", figure.unit},
                                   {"value", figure.value},
                                   {"bar", figure.bar},
                                   {"bar_is_the_least", figure.at_least},
                                   {"verdict", to_string(figure.verdict)},
                                   {"detail", figure.detail},
                                   {"origin", to_string(figure.origin)}});
  }
  return document.dump(1) + "\n";
}

int exit_status(std::span<const Outcome> outcomes, std::span<const Figure> figures) {
  int status = 0;
  const auto note = [&](Verdict verdict) {
    if (verdict == Verdict::kWrong || verdict == Verdict::kMissed) status = 1;
    if (verdict == Verdict::kUnavailable && status == 0) status = 3;
  };
  for (const auto& outcome : outcomes) note(outcome.verdict);
  for (const auto& figure : figures) note(figure.verdict);
  return status;
}

}  // namespace calx::bench
