#include "calx/inference/whole_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "calx/diffusion/digit_set.h"
#include "calx/format/image.h"

namespace calx::inference {
namespace {

constexpr std::size_t kPixels = std::size_t{diffusion::kDigitSide} * diffusion::kDigitSide;
constexpr std::uint32_t kColumns = 10, kEnlarge = 2;
constexpr std::size_t kExamplesOfClass = 2;
constexpr double kCollapse = 2;          // a control counts as one if it is this much worse
constexpr double kFoldedGreyLevels = 1;  // pictures that differ by rounding alone

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

std::string joules(double value) { return fmt::format("{:.3g} J", value); }

std::string joules(const std::optional<double>& value) {
  return value ? joules(*value) : "none above 0";
}

double share(std::int64_t hits, std::size_t of) {
  return static_cast<double>(hits) / static_cast<double>(of);
}

std::string what_is(const WholeEvidence& evidence, std::size_t row) {
  const auto& arms = evidence.result.arms;
  return row < arms.size() ? std::string(arms[row].what) : "real";
}

Table score_table(const WholeEvidence& evidence) {
  Table table;
  table.title = "Arms";
  table.note = fmt::format(
      "FD-clf: Frechet distance of the judge's features to one half of the held-out pictures ({}), "
      "+- its standard error; it compares with no other program's FID. Ratio: over the digital "
      "arm's, with the middle 95 % of a paired bootstrap. Precision and recall: balls of the 3rd "
      "neighbour about the features. Nearest: median distance to the nearest training picture, "
      "grey levels. All arms start from the same latents. Every snapshot is an exact draw from "
      "N(M^-1 b, kT M^-1), not a trajectory.",
      evidence.held_out);
  table.columns = {"arm",       "in the place of the last decoder block",
                   "FD-clf",    "ratio",
                   "95 %",      "judged as asked",
                   "precision", "recall",
                   "nearest",   "copies"};
  for (std::size_t row = 0; row < evidence.result.scores.size(); ++row) {
    const Score& score = evidence.result.scores[row];
    table.rows.push_back(
        {score.name, what_is(evidence, row),
         fmt::format("{:.4f} +- {:.4f}", score.distance, score.deviation),
         fmt::format("{:.3f}", score.ratio),
         fmt::format("{:.3f} to {:.3f}", score.ratio_interval.low, score.ratio_interval.high),
         percent(share(score.correct, evidence.sets[row].gallery.size())),
         fmt::format("{:.3f}", score.manifold.precision),
         fmt::format("{:.3f}", score.manifold.recall), fmt::format("{:.0f}", score.nearest),
         fmt::format("{}", score.copies)});
  }
  return table;
}

Table curve_table(const WholeEvidence& evidence) {
  Table table;
  table.title = "FD-clf over the number of pictures";
  table.note =
      "Evenly spread parts of each set against the same places of the reference. From samples "
      "the distance is too large by a bias that falls as 1/N: only one column compares.";
  table.columns = {"arm"};
  for (const std::size_t n : evidence.curve) table.columns.push_back(fmt::format("N = {}", n));
  for (const Score& score : evidence.result.scores) {
    std::vector<std::string> row = {score.name};
    for (const double value : score.curve) row.push_back(fmt::format("{:.4f}", value));
    table.rows.push_back(std::move(row));
  }
  return table;
}

format::Chart curve_chart(const WholeEvidence& evidence) {
  format::Chart chart{.title = "FD-clf over the number of pictures",
                      .x_label = "pictures",
                      .y_label = "FD-clf",
                      .series = {},
                      .log_y = true};
  const std::vector<double> n(evidence.curve.begin(), evidence.curve.end());
  for (const Score& score : evidence.result.scores) {
    chart.series.push_back({score.name, n, score.curve, true});
  }
  return chart;
}

format::Chart fit_chart(const WholeEvidence& evidence) {
  format::Chart chart{.title = "R2 of the substrate's mean over the sampler's times",
                      .x_label = "t (1 is noise)",
                      .y_label = "R2, pictures that no fit saw",
                      .series = {},
                      .log_y = false};
  for (const Curve& curve : evidence.fits) {
    chart.series.push_back({curve.name, curve.times, curve.r2, true});
  }
  return chart;
}

Table fit_table(const WholeEvidence& evidence) {
  Table table;
  table.title = "Fits";
  table.note =
      "The block is modulated by time and class, so a linear map is right for one of each at "
      "best. R2 of the mean over pictures that no fit saw, about one mean for all classes. "
      "Reflashes: programs of couplings and stiffness for one picture; the Z1's limit is one a "
      "second. Wires: of one program's coupling.";
  table.columns = {"wired",         "rank",    "fits",  "R2, all times",      "R2, first step",
                   "R2, last step", "cond(B)", "wires", "reflashes a picture"};
  for (const FitRow& row : evidence.result.fits) {
    const char* groups = row.plan.grouping == Grouping::kTime       ? "a time"
                         : row.plan.grouping == Grouping::kGuidance ? "a time, with/without class"
                                                                    : "a time and class";
    table.rows.push_back({row.plan.wired == Wired::kSkip ? "skip"
                          : row.plan.reach > 0           ? "[u, skip] of 3 x 3 pixels"
                                                         : "[u, skip]",
                          fmt::format("{}", row.plan.rank), groups, fmt::format("{:.4f}", row.r2),
                          fmt::format("{:.4f}", row.r2_first), fmt::format("{:.4f}", row.r2_last),
                          fmt::format("{:.3g}", row.condition_largest),
                          fmt::format("{}", row.wires), fmt::format("{}", row.programs)});
  }
  return table;
}

Table ledger_table(const WholeEvidence& evidence) {
  Table table;
  table.title = "Ledger of one picture";
  table.note =
      "Counts of the replaced block alone; the rest of the network is digital in every row. "
      "\"Skip kept analog\": the encoder's last map is itself a substrate that holds what the "
      "decoder reads, so its values are not written; that substrate's own error and programs are "
      "not counted. A value that several pixels are wired to is written once. Prices: `calx thermo "
      "prices` (Z1 write and read by circuit simulation, 1 pJ a "
      "multiply-add unverified). Standby has no published price, so there is no total and no "
      "multiplier: the substrate's joules are those of the stated lines. Break-even: the price of "
      "one write at which the stated lines equal the rival, if standing by cost nothing.";
  table.columns = {"substrate",        "DAC writes",    "ADC reads",
                   "program writes",   "reflashes",     "standby at 1 Hz",
                   "heat, kT",         "stated lines",  "digital map, same rank",
                   "break-even write", "digital block", "break-even write against block"};
  for (const PictureEffort& row : evidence.efforts) {
    table.rows.push_back(
        {row.name, fmt::format("{:.0f}", row.effort.dac_writes),
         fmt::format("{:.0f}", row.effort.adc_reads),
         fmt::format("{:.0f}", row.effort.program_writes), fmt::format("{}", row.reflashes),
         fmt::format("{:.0f} s", row.effort.standby_s), fmt::format("{:.3g}", row.effort.heat_kt),
         joules(row.stated_j), joules(row.map_j), joules(row.write_against_map_j),
         joules(row.block_j), joules(row.write_against_block_j)});
  }
  return table;
}

const Score* score_of(const WholeEvidence& evidence, std::string_view name) {
  const auto found = std::ranges::find(evidence.result.scores, name, &Score::name);
  return found == evidence.result.scores.end() ? nullptr : &*found;
}

// The bar was set for a digital model near its floor; where it is not, the ratio says little.
void answer_bar(const WholeEvidence& evidence, std::vector<Answer>& answers) {
  const Score& digital = evidence.result.scores.front();
  const Score& real = *score_of(evidence, "the other real half");
  const Score& learnt = *score_of(evidence, "training pictures");
  const double over = digital.distance / learnt.distance;
  const bool near = over <= kDigitalOverFloor;
  answers.push_back(
      {near ? Verdict::kHolds : Verdict::kNotJudged,
       fmt::format("Digital lies within {:.0f}x of the train-against-test floor: FD-clf {:.4f} is "
                   "{:.2f}x the training pictures' {:.4f} (and {:.2f}x the real-real {:.4f}).",
                   kDigitalOverFloor, digital.distance, over, learnt.distance,
                   digital.distance / real.distance, real.distance)});
  for (const char* name : {"mean", "snapshot", "patch", "patch-snapshot"}) {
    const Score* score = score_of(evidence, name);
    if (score == nullptr) continue;
    const bool below = score->ratio <= kSubstrateRatioBar;
    answers.push_back(
        {!near   ? Verdict::kNotJudged
         : below ? Verdict::kHolds
                 : Verdict::kMissed,
         fmt::format("Goal: FD-clf through the substrate ({}) at most {:.2f}x digital at {} steps: "
                     "{:.4f} is {:.3f}x (95 %: {:.3f} to {:.3f}).",
                     name, kSubstrateRatioBar, evidence.settings.steps, score->distance,
                     score->ratio, score->ratio_interval.low, score->ratio_interval.high)});
  }
}

void answer_controls(const WholeEvidence& evidence, std::vector<Answer>& answers) {
  const WholeResult& result = evidence.result;
  if (const Score* none = score_of(evidence, "k0"); none != nullptr) {
    answers.push_back(
        {none->ratio >= kCollapse ? Verdict::kHolds : Verdict::kMissed,
         fmt::format("Control: without coupling (k = 0) the pictures fall apart: FD-clf {:.2f}, "
                     "{:.0f}x digital, {} judged as asked.",
                     none->distance, none->ratio,
                     percent(share(none->correct, evidence.sets[0].gallery.size())))});
  }
  if (result.folded_pictures > 0) {
    answers.push_back(
        {result.folded_difference <= kFoldedGreyLevels ? Verdict::kHolds : Verdict::kMissed,
         fmt::format("The substrate's mean is the digital map of rank {}: their pictures differ by "
                     "at most {:.0f} of 255 grey levels ({} pictures), so the row of the mean is "
                     "also that of the folded map.",
                     evidence.settings.rank, result.folded_difference, result.folded_pictures)});
  }
  const Score* snapshot = score_of(evidence, "snapshot");
  const Score* white = score_of(evidence, "white");
  if (snapshot != nullptr && white != nullptr) {
    answers.push_back(
        {Verdict::kNotJudged,
         fmt::format("A thermal snapshot against the intact block with white noise of the same "
                     "variance: FD-clf {:.4f} +- {:.4f} and {:.4f} +- {:.4f}.",
                     snapshot->distance, snapshot->deviation, white->distance, white->deviation)});
  }
  answers.push_back({evidence.settings.steps >= kStepsWanted ? Verdict::kHolds : Verdict::kMissed,
                     fmt::format("The block is replaced at every one of {} steps, bar {}.",
                                 evidence.settings.steps, kStepsWanted)});
}

Result<std::vector<Picture>> examples(const WholeEvidence& evidence) {
  std::vector<Picture> pictures;
  for (std::size_t row = 0; row < evidence.sets.size(); ++row) {
    const auto& gallery = evidence.sets[row].gallery;
    std::vector<format::Image> tiles;
    for (std::size_t copy = 0; copy < kExamplesOfClass; ++copy) {
      for (std::int32_t label = 0; label < diffusion::kDigitClasses; ++label) {
        std::size_t seen = 0;
        for (std::size_t k = 0; k < gallery.size(); ++k) {
          if (gallery.labels[k] != label || seen++ != copy) continue;
          const auto part = std::span(gallery.pixels).subspan(k * kPixels, kPixels);
          tiles.push_back(
              {diffusion::kDigitSide, diffusion::kDigitSide, 1, {part.begin(), part.end()}});
        }
      }
    }
    if (tiles.empty()) continue;
    CALX_ASSIGN(sheet, format::grid(tiles, kColumns));
    CALX_ASSIGN(large, format::enlarge(sheet, kEnlarge));
    pictures.push_back(
        {fmt::format("{}\n{}", evidence.sets[row].name, what_is(evidence, row)), std::move(large)});
  }
  return pictures;
}

}  // namespace

Result<Report> whole_report(const WholeEvidence& evidence) {
  Report report;
  report.name = "whole-images";
  report.title = "Whole images through a substrate";
  report.summary = fmt::format(
      "The shipped class-conditional diffusion model, its last decoder block ({} units, {} pixels) "
      "replaced by a Langevin substrate of rank {} at every one of {} sampler steps: how far are "
      "the pictures from handwriting, beside the digital block and the controls?",
      evidence.units, evidence.pixels, evidence.settings.rank, evidence.settings.steps);
  report.facts = evidence.facts;
  for (const Score& score : evidence.result.scores) {
    report.facts.emplace_back(fmt::format("sha256 of {}", score.name), score.digest);
  }
  answer_bar(evidence, report.answers);
  answer_controls(evidence, report.answers);
  report.tables = {score_table(evidence), fit_table(evidence), curve_table(evidence),
                   ledger_table(evidence)};
  report.charts = {curve_chart(evidence), fit_chart(evidence)};
  CALX_ASSIGN(pictures, examples(evidence));
  report.pictures = std::move(pictures);
  return report;
}

}  // namespace calx::inference
