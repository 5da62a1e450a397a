#include "calx/inference/ablation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "calx/base/atomic_file.h"
#include "calx/format/canonical_json.h"
#include "calx/inference/ablation_bench.h"
#include "calx/inference/stage_row.h"

namespace calx::inference {
namespace {

constexpr std::uint64_t kRecordBytesMax = std::uint64_t{1} << 22;
constexpr std::string_view kPlace = "ablation record";

struct Axis {
  std::string_view name;
  std::string_view about;
  Result<void> (*run)(AblationBench&);
  bool sampled;  // on fewer images
};

constexpr std::array kAxes = {
    Axis{"controls", "what every other table is to be read beside", ablate_controls, false},
    Axis{"coupling", "how the coupling is made; the encoder clamped, no digital parameter",
         ablate_coupling, false},
    Axis{"conditioning", "how the input comes in; no row has a transfer network",
         ablate_conditioning, false},
    Axis{"interface", "widths of the published networks, with the Gram coupling and without",
         ablate_interface, false},
    Axis{"temperature", "couplings held, kT changed", ablate_temperature, false},
    Axis{"quartic",
         "J4 on every unit of the decoder; coupling and certificate are those without it",
         ablate_quartic, true},
    Axis{"bits", "uniform converters on each matrix's own largest magnitude", ablate_bits, false},
    Axis{"mismatch", "standard deviation of each wire's gain; one machine", ablate_mismatch, false},
    Axis{"dead-wires", "share of wires that carry nothing; one machine", ablate_dead_wires, false},
    Axis{"noise", "sources of noise; the log was recorded here from a software engine",
         ablate_noise, true},
    Axis{"integrator",
         "schemes at h lambda_max = 0.2, the exact one at 0.09; Euler-Maruyama and Heun are off by "
         "their "
         "own laws, 1.11 and 0.98",
         ablate_integrator, true},
    Axis{"relaxation", "time from a cold start to the snapshot; below 10 a finding says so",
         ablate_relaxation, true},
};

std::string key_of(const AblationSettings& s) {
  return fmt::format(
      "width {}, {} images seen, sigma {}, {} + {} + {} pictures, network {}, split {}, rank {}, "
      "kT {}, {} interface steps of {}, {} images sampled",
      s.network.width, s.network.train_images, s.network.sigma, s.network.sizes.train,
      s.network.sizes.fit, s.network.sizes.test, s.unet_seed, s.data_seed, s.arms.rank,
      s.arms.temperature_kt, s.arms.interface_steps, s.arms.interface_batch, s.sampled_images);
}

constexpr std::array<std::string_view, kMetrics> kMetricNames = {"raw", "centred", "r2", "clean_db",
                                                                 "digital_db"};

Result<std::string> write_axis(const AblationAxis& axis, const AblationSettings& settings) {
  format::Json rows = format::Json::array();
  for (const AblationRow& row : axis.rows) {
    format::Json json = {{"value", row.value},
                         {"substrate", row.substrate},
                         {"answer", row.answer},
                         {"ran", row.ran},
                         {"note", row.note}};
    for (std::size_t m = 0; m < kMetrics; ++m) {
      json.set(kMetricNames[m], exact_text(metric(row.figures, m)));
    }
    rows.push(std::move(json));
  }
  return format::encode_pretty_json(
      {{"settings", key_of(settings)}, {"about", axis.about}, {"rows", rows}});
}

// Nothing when the file is of other settings.
Result<std::optional<AblationAxis>> read_axis(const Axis& axis, std::string_view text,
                                              const AblationSettings& settings) {
  CALX_ASSIGN(json, format::parse_json(text));
  CALX_ASSIGN(of, format::string_member(json, "settings", kPlace));
  if (of != key_of(settings)) return std::optional<AblationAxis>();
  CALX_ASSIGN(about, format::string_member(json, "about", kPlace));
  AblationAxis result{std::string(axis.name), about, {}};
  CALX_ASSIGN(rows, format::array_member(json, "rows", kPlace));
  for (const format::Json& item : *rows->elements()) {
    AblationRow row;
    CALX_ASSIGN(value, format::string_member(item, "value", kPlace));
    CALX_ASSIGN(substrate, format::string_member(item, "substrate", kPlace));
    CALX_ASSIGN(answer, format::string_member(item, "answer", kPlace));
    CALX_ASSIGN(ran, format::boolean_member(item, "ran", kPlace));
    CALX_ASSIGN(note, format::string_member(item, "note", kPlace));
    std::array<double, kMetrics> figures{};
    for (std::size_t m = 0; m < kMetrics; ++m) {
      CALX_ASSIGN(figure, exact_number(item, kMetricNames[m]));
      figures[m] = figure;
    }
    result.rows.push_back({value,
                           substrate,
                           answer,
                           ran,
                           {figures[0], figures[1], figures[2], figures[3], figures[4]},
                           note});
  }
  return std::optional(std::move(result));
}

Table table_of(const AblationAxis& axis) {
  Table table;
  table.title = axis.name;
  table.note = axis.about;
  table.columns = {"setting", "substrate",   "answer",        "raw cosine",     "centred",
                   "R2",      "dB vs clean", "dB vs digital", "how, or why not"};
  for (const AblationRow& row : axis.rows) {
    std::vector<std::string> cells = {row.value, row.substrate, row.answer};
    constexpr std::array kDecimals = {4, 3, 3, 2, 1};
    for (std::size_t m = 0; m < kMetrics; ++m) {
      cells.push_back(row.ran ? fmt::format("{:.{}f}", metric(row.figures, m), kDecimals[m])
                              : std::string("-"));
    }
    cells.push_back(row.note);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Report report_of(const AblationSettings& settings, const std::vector<AblationAxis>& axes) {
  Report report;
  report.name = settings.quick ? "ablations-quick" : "ablations";
  report.title = "Ablations of stage C";
  report.summary =
      "One network, one split of the drawn digits, one thing changed at a time. No bar is judged "
      "here; the controls stand first.";
  if (settings.quick) report.summary += " A quick trial of the program: its figures mean nothing.";
  report.facts = {{"settings", key_of(settings)},
                  {"noise", "Philox4x32-10 by software unless a row says otherwise"}};
  std::size_t refused = 0, rows = 0;
  for (const AblationAxis& axis : axes) {
    rows += axis.rows.size();
    refused += static_cast<std::size_t>(std::ranges::count(axis.rows, false, &AblationRow::ran));
    report.tables.push_back(table_of(axis));
  }
  report.answers.push_back(
      {Verdict::kNotJudged, fmt::format("{} settings on {} axes; {} could not be run, and say why",
                                        rows, axes.size(), refused)});
  return report;
}

}  // namespace

AblationSettings quick_ablations() {
  AblationSettings s;
  s.network.sizes = {.train = 64, .fit = 4, .test = 2};
  s.network.width = 16;
  s.network.train_images = 320;
  s.arms.rank = 8;
  s.arms.low_rank = 2;
  s.arms.interface_steps = 50;
  s.arms.interface_batch = 256;
  s.sampled_images = 1;
  s.quick = true;
  return s;
}

std::vector<std::string> ablation_names() {
  std::vector<std::string> names;
  for (const Axis& axis : kAxes) names.emplace_back(axis.name);
  return names;
}

Result<AblationAxis> run_ablation(std::string_view name, const DecoderTask& task,
                                  const AblationSettings& settings) {
  const auto* const axis = std::ranges::find(kAxes, name, &Axis::name);
  if (axis == kAxes.end()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("ablation \"{}\": wanted one of {}", name,
                                                         fmt::join(ablation_names(), ", ")));
  }
  CALX_ASSIGN(bench, AblationBench::create(task, settings));
  AblationAxis result{std::string(axis->name), std::string(axis->about), {}};
  if (!axis->sampled) {
    CALX_TRY(axis->run(bench));
    result.rows = bench.take();
    return result;
  }
  const DecoderTask some = bench.sampled_task();
  CALX_ASSIGN(small, AblationBench::create(some, settings));
  CALX_TRY(axis->run(small));
  result.rows = small.take();
  result.about += fmt::format("; {} images", some.test_rows() / 1024);
  return result;
}

Result<Report> run_ablations(const AblationSettings& settings, const StageCRun& run,
                             const Observer& observer, const std::stop_token& stop) {
  CALX_ASSIGN(material, drawn_material(settings.network.sizes));
  CALX_ASSIGN(ready, prepare_task(material, settings.network, run, settings.unet_seed,
                                  settings.data_seed, observer, stop));
  AblationSettings threaded = settings;
  threaded.arms.threads = run.threads;
  std::vector<AblationAxis> axes;
  for (const Axis& axis : kAxes) {
    const auto file = run.work / fmt::format("ablation-{}.json", axis.name);
    if (const auto bytes = read_file(file, kRecordBytesMax)) {
      const std::string text(bytes->begin(), bytes->end());
      CALX_ASSIGN(known, read_axis(axis, text, settings));
      if (known) {
        axes.push_back(*std::move(known));
        continue;
      }
    }
    if (observer) observer({fmt::format("ablation: {}", axis.name), axes.size(), kAxes.size()});
    if (stop.stop_requested()) {
      return fail(ErrorCode::kCancelled, "the sweep was stopped; finished axes are kept");
    }
    CALX_ASSIGN(done, run_ablation(axis.name, ready.task, threaded));
    CALX_ASSIGN(text, write_axis(done, settings));
    CALX_TRY(write_file(file, text));
    axes.push_back(std::move(done));
  }
  Report report = report_of(settings, axes);
  report.facts.insert(report.facts.begin(), {"command", run.command});
  report.facts.push_back({"network", ready.network});
  report.facts.push_back(
      {"pictures", fmt::format("{}; index digest {}", ready.split.source, ready.split.digest)});
  return report;
}

}  // namespace calx::inference
