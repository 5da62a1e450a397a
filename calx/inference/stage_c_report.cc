#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "calx/inference/seed_spread.h"
#include "calx/inference/stage_bars.h"
#include "calx/inference/stage_c.h"
#include "calx/inference/stage_record.h"

namespace calx::inference {
namespace {

constexpr std::array kDecimals = {4, 3, 3, 2, 1};  // of the metrics

// In the order of row_texts(), then what it does not know.
std::vector<std::string> keys_of(const Outcomes& outcomes) {
  std::vector<std::string> keys;
  const auto add = [&](std::string_view key) {
    const bool seen = std::ranges::find(keys, key) != keys.end();
    const bool there = std::ranges::any_of(
        outcomes, [&](const StageOutcome* outcome) { return outcome->find(key) != nullptr; });
    if (!seen && there) keys.emplace_back(key);
  };
  for (const RowText& text : row_texts()) add(text.key);
  for (const StageOutcome* outcome : outcomes) {
    for (const StageRow& row : outcome->rows) add(row.key);
  }
  return keys;
}

const StageRow& first_row(const Outcomes& outcomes, std::string_view key) {
  const StageRow* row = nullptr;
  for (const StageOutcome* outcome : outcomes) {
    if (!row) row = outcome->find(key);
  }
  return *row;
}

Table row_table(const Outcomes& outcomes, bool reference) {
  Table table{.title = fmt::format("Every configuration, {}", outcomes.front()->data),
              .note =
                  "Means over U-Net seeds, each a mean over its data seeds, with 95 % intervals "
                  "over U-Net seeds (Student's t). Interface networks were trained for the "
                  "first data seed of each U-Net. Centred about the mean of the fit's targets; "
                  "R2 about the test's own mean. Parameters are digital ones, wires those of "
                  "the coupling.",
              .columns = {"configuration", "raw cosine", "centred", "R2", "dB vs clean",
                          "dB vs digital", "parameters", "wires"},
              .rows = {}};
  if (reference) {
    table.note += " The reference's figures (one U-Net seed) stand in brackets.";
  }
  for (const std::string& key : keys_of(outcomes)) {
    const auto texts = row_texts();
    const auto text = std::ranges::find(texts, key, &RowText::key);
    std::vector<std::string> cells = {title_of(key)};
    for (std::size_t m = 0; m < kMetrics; ++m) {
      std::string cell = text_of(spread_of_row(outcomes, key, m), kDecimals[m]);
      if (reference && text != texts.end() && text->reference[m]) {
        cell += fmt::format(" ({:.{}f})", *text->reference[m], kDecimals[m]);
      }
      cells.push_back(std::move(cell));
    }
    const StageRow& row = first_row(outcomes, key);
    cells.push_back(fmt::format("{}", row.parameters));
    cells.push_back(fmt::format("{}", row.wires));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::string verdict_of(const thermo::Certificate& certificate) {
  if (certificate.passed()) return fmt::format("passed {} checks", certificate.checks.size());
  std::vector<std::string> sentences;
  for (const auto& finding : certificate.findings) {
    sentences.push_back(fmt::format("{}: {}", finding.check, finding.sentence));
  }
  return fmt::format("FAILED {}", fmt::join(sentences, "; "));
}

Table snapshot_table(const std::vector<StageOutcome>& outcomes) {
  Table table{.title = "How the thermal rows were made",
              .note =
                  "Each pixel is a chain under its own clamp, from a cold start. The "
                  "certificate holds the first read of every chain against "
                  "N(mean, kT B^-1): whitened chi-square, variances, modes, 90 % intervals by "
                  "coverage. Reads that are averaged are one burn-in apart; they are snapshots, "
                  "not a time average.",
              .columns = {"data", "U-Net", "split", "row", "integrator", "h lambda_max", "steps",
                          "burn-in / tau_slow", "label", "condition", "noise", "origin", "n_eff",
                          "variances / law", "coverage", "certificate"},
              .rows = {}};
  for (const StageOutcome& o : outcomes) {
    for (const NamedCertificate& c : o.certificates) {
      table.rows.push_back(
          {o.data, fmt::format("{}", o.unet_seed), fmt::format("{}", o.data_seed), c.name,
           c.manner.scheme, fmt::format("{:.3g}", c.manner.step_share),
           fmt::format("{}", c.manner.steps), fmt::format("{:.1f}", c.manner.burn_in_tau),
           c.manner.label, fmt::format("{:.0f}", c.manner.condition), c.manner.noise,
           std::string(to_string(c.manner.origin)), fmt::format("{:.0f}", c.manner.independent),
           fmt::format("{:.4f}", c.figures.trace_ratio), fmt::format("{:.4f}", c.figures.coverage),
           verdict_of(c.certificate)});
    }
  }
  return table;
}

Table twin_table(const std::vector<StageOutcome>& outcomes) {
  Table table{.title = "Faulty twins of the snapshot run",
              .note =
                  "The same run with one fault, held against the law of the sound one: heat is "
                  "kT x 1.05, dropped takes the noise from every sixteenth unit, biased pushes "
                  "the words of noise up by 1/64, flipped turns the coupling's sign.",
              .columns = {"data", "U-Net", "fault", "found by"},
              .rows = {}};
  for (const StageOutcome& o : outcomes) {
    for (const TwinFinding& twin : o.twins) {
      table.rows.push_back(
          {o.data, fmt::format("{}", o.unet_seed), twin.twin,
           twin.found.empty() ? "NOTHING" : fmt::format("{}", fmt::join(twin.found, ", "))});
    }
  }
  return table;
}

Table average_table(const std::vector<StageOutcome>& outcomes) {
  Table table{
      .title = "Time averages of trajectories against the mean by algebra",
      .note =
          "One average a chain and unit, by a window of its own autocorrelation; "
          "averages over fewer than 50 autocorrelation times are refused.",
      .columns = {"data", "U-Net", "integrator", "h lambda_max", "length / tau",
                  "length / tau_int, least", "series", "rms error in s.e.", "pooled error in s.e."},
      .rows = {}};
  for (const StageOutcome& o : outcomes) {
    if (!o.average) continue;
    const TrajectoryAverage& a = *o.average;
    table.rows.push_back(
        {o.data, fmt::format("{}", o.unet_seed), a.manner.scheme,
         fmt::format("{:.3g}", a.manner.step_share), fmt::format("{:.0f}", a.length_tau),
         fmt::format("{:.0f}", a.times_of_tau_int), fmt::format("{}", a.series),
         fmt::format("{:.3f}", a.rms_sigmas), fmt::format("{:.2f}", a.pooled_sigmas)});
  }
  return table;
}

Table part_table(const std::vector<StageOutcome>& outcomes, std::size_t rank) {
  Table table{
      .title = "Every network on every split",
      .note = "CPU seconds of the process; of training, sessions together.",
      .columns = {"data", "U-Net", "split", "training CPU s", "judging CPU s", "digital dB",
                  "constant raw", "mean raw", "mean R2", "snapshot raw", "mean dB", "snapshot dB",
                  "substrate - digital map", "index digest", "pictures", "network"},
      .rows = {}};
  const auto cell = [](const StageOutcome& o, std::string_view key, std::size_t m) {
    const StageRow* row = o.find(key);
    return row ? fmt::format("{:.{}f}", metric(row->figures, m), kDecimals[m]) : std::string("-");
  };
  const std::string mean = fmt::format("rrr-{}", rank), snapshot = mean + "-draws-1";
  for (const StageOutcome& o : outcomes) {
    table.rows.push_back({o.data, fmt::format("{}", o.unet_seed), fmt::format("{}", o.data_seed),
                          fmt::format("{:.0f}", o.training_cpu_s),
                          fmt::format("{:.0f}", o.judging_cpu_s), cell(o, "digital", kCleanDb),
                          cell(o, "constant", kRaw), cell(o, mean, kRaw), cell(o, mean, kR2),
                          cell(o, snapshot, kRaw), cell(o, mean, kCleanDb),
                          cell(o, snapshot, kCleanDb), fmt::format("{:.1e}", o.folded_difference),
                          o.split_digest.substr(0, 16), o.source, o.network});
  }
  return table;
}

Table ledger_table(const StageOutcome& outcome) {
  const thermo::Comparison c = thermo::compare(outcome.effort);
  Table table{
      .title = fmt::format("Energy of one image through the substrate, {}", outcome.data),
      .note = {},
      .columns = {"ledger", "line", "count", "price / J", "energy / J", "standing", "source"},
      .rows = {}};
  for (const thermo::Ledger* ledger : {&c.substrate, &c.same_map, &c.full_network}) {
    for (const auto& line : ledger->lines()) {
      const auto& joules = line.price.joules;
      table.rows.push_back(
          {std::string(ledger->title()), line.what, fmt::format("{:.6g}", line.count),
           joules ? fmt::format("{:.4g}", *joules) : "unstated",
           joules ? fmt::format("{:.4g}", line.count * *joules) : "no number",
           std::string(to_string(line.price.standing)), std::string(line.price.source)});
    }
    table.rows.push_back({std::string(ledger->title()), "stated lines together", "", "",
                          fmt::format("{:.4g}", ledger->stated_j()), "", ""});
  }
  const auto price = c.substrate.break_even_j(0, c.same_map.stated_j());
  table.note = fmt::format(
      "The full network here is the block d1 alone, which the substrate stands for; the encoder "
      "runs digitally in every row. Programming is shared by the images of the test. Against the "
      "same map as digital multiply-adds the substrate takes {:.2g} times the energy; it breaks "
      "even at {} a DAC write. Standby power is unstated by every vendor and booked for no time.",
      c.substrate.stated_j() / c.same_map.stated_j(),
      price ? fmt::format("{:.3g} pJ", *price * 1e12) : std::string("no price above 0"));
  return table;
}

format::Chart rank_chart(const Outcomes& outcomes, const std::vector<std::size_t>& ranks) {
  format::Chart chart{.title = fmt::format("Rank curve, {}", outcomes.front()->data),
                      .x_label = "log2 of the rank k",
                      .y_label = "agreement with the digital decoder",
                      .series = {}};
  constexpr std::array kNames = {"raw cosine", "centred cosine", "R2"};
  for (std::size_t m = 0; m < kNames.size(); ++m) {
    format::ChartSeries series{.name = kNames[m], .x = {}, .y = {}, .dots = true};
    for (const std::size_t rank : ranks) {
      series.x.push_back(std::log2(static_cast<double>(rank)));
      series.y.push_back(spread_of_row(outcomes, fmt::format("rrr-{}", rank), m).mean);
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

}  // namespace

Report stage_c_report(const StageCSettings& settings, const std::vector<StageOutcome>& outcomes) {
  Report report;
  report.name = settings.quick ? "stage-c-quick" : "stage-c";
  report.title = "Stage C: a substrate in place of a decoder block, with its controls";
  report.summary =
      "Couplings of rank k between a U-Net's encoder and decoder, fitted pixel by pixel and judged "
      "on other pictures: means, single thermal snapshots, the published pipeline, and the "
      "controls that the published figures lack.";
  if (settings.quick) report.summary += " A quick trial of the program: its figures mean nothing.";
  report.facts = {{"settings", describe_settings(settings)},
                  {"noise", "Philox4x32-10 by software, addressed by pixel and step"}};
  for (const Outcomes& data : {outcomes_of(outcomes, "digits"), outcomes_of(outcomes, "mnist")}) {
    if (data.empty()) continue;
    report.tables.push_back(row_table(data, data.front()->data == "digits" && !settings.quick));
    report.charts.push_back(rank_chart(data, settings.arms.ranks));
  }
  report.answers = stage_c_answers(settings, outcomes);
  report.tables.push_back(part_table(outcomes, settings.arms.rank));
  report.tables.push_back(snapshot_table(outcomes));
  report.tables.push_back(twin_table(outcomes));
  report.tables.push_back(average_table(outcomes));
  report.tables.push_back(ledger_table(outcomes.front()));
  return report;
}

}  // namespace calx::inference
