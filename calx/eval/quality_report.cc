// How the quality study reads: one sentence for each question, tables, pictures.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "calx/eval/quality.h"
#include "calx/format/canonical_json.h"
#include "calx/format/page.h"
#include "calx/format/png.h"

namespace calx::eval {
namespace {

using Rows = std::vector<std::vector<std::string>>;

constexpr std::uint32_t kEnlarge = 2, kExampleColumns = 10;

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

std::string percent(const Interval& interval) {
  return fmt::format("{:.2f} to {:.2f} %", 100 * interval.low, 100 * interval.high);
}

double share(std::int64_t hits, std::int64_t trials) {
  return trials == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(trials);
}

const std::vector<std::string> kSetHeader = {"set", "FD-clf", "standard error",
                                             "judged as labelled", "95 % interval"};
Rows set_rows(const QualityReport& report) {
  Rows rows;
  for (const auto& set : report.sets) {
    rows.push_back({set.name, fmt::format("{:.4f}", set.distance),
                    fmt::format("{:.4f}", set.deviation),
                    percent(share(set.correct, static_cast<std::int64_t>(report.count))),
                    percent(set.accuracy)});
  }
  return rows;
}

const std::vector<std::string> kNearHeader = {"set",
                                              "pictures",
                                              "least distance",
                                              "median distance",
                                              "nearer than 1 % of real ones",
                                              "95 % interval",
                                              "copies"};
Rows near_rows(const QualityReport& report) {
  Rows rows;
  for (const auto& row : report.nearness) {
    rows.push_back({row.name, fmt::format("{}", row.pictures), fmt::format("{:.0f}", row.least),
                    fmt::format("{:.0f}", row.median), percent(share(row.near, row.pictures)),
                    percent(row.near_share), fmt::format("{}", row.copies)});
  }
  return rows;
}

const std::vector<std::string> kClassHeader = {"digit", "pictures", "hash noise", "torch noise",
                                               "the other real half"};
Rows class_rows(const QualityReport& report) {
  Rows rows;
  for (std::size_t digit = 0; digit < report.sets.at(0).count_by_class.size(); ++digit) {
    std::vector<std::string> row = {fmt::format("{}", digit),
                                    fmt::format("{}", report.sets[0].count_by_class[digit])};
    for (std::size_t place = 0; place < 3; ++place) {
      const auto& set = report.sets.at(place);
      row.push_back(percent(share(set.correct_by_class[digit], set.count_by_class[digit])));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

const std::vector<std::string> kDigestHeader = {"set", "SHA-256 of its grey pixels"};
Rows digest_rows(const QualityReport& report) {
  Rows rows;
  for (const auto& set : report.sets) rows.push_back({set.name, set.digest});
  return rows;
}

std::string set_text(const QualityReport& report) {
  return fmt::format(
      "FD-clf is the Frechet distance of the judge's features to one half of the held-out "
      "pictures, which are {}. Every set has {} pictures of the same classes, so the bias of "
      "samples, which "
      "grows as their number falls, is alike; the row of the other real half shows how large it "
      "is. The judge learnt from the same training pictures as the model, which makes the row of "
      "training pictures lie apart from held-out ones. FD-clf compares with no other program's "
      "FID.",
      report.held_out, report.count);
}

constexpr const char* kNearText =
    "Euclidean distance, in grey levels, from each picture to the nearest training picture. A "
    "picture counts as a copy when its nearest training picture is less than a third as far as "
    "the second nearest one.";

std::string mutual_text(const QualityReport& report) {
  return fmt::format(
      "Directly between the two generated sets FD-clf is {:.5f}; exchanging their pictures at "
      "random gives {:.5f} to {:.5f} (95 %), and a distance as large in {:.1f} % of exchanges.",
      report.mutual, report.mutual_by_chance.low, report.mutual_by_chance.high,
      100 * report.mutual_p);
}

std::string judge_text(const QualityReport& report) {
  const Interval interval = wilson_interval(report.judge_correct, report.judge_judged);
  return fmt::format("The judge itself is right on {} of {} held-out pictures ({}).",
                     report.judge_correct, report.judge_judged, percent(interval));
}

std::string table(const std::vector<std::string>& header, const Rows& rows) {
  std::string text = fmt::format("| {} |\n|", fmt::join(header, " | "));
  for (std::size_t i = 0; i < header.size(); ++i) text += "---|";
  text += '\n';
  for (const auto& row : rows) text += fmt::format("| {} |\n", fmt::join(row, " | "));
  return text;
}

Result<std::vector<std::uint8_t>> sheet(std::span<const format::Image> tiles,
                                        std::uint32_t columns) {
  CALX_ASSIGN(grid, format::grid(tiles, columns));
  CALX_ASSIGN(large, format::enlarge(grid, kEnlarge));
  return format::encode_png(large);
}

format::Json interval_json(const Interval& interval) {
  format::Json json;
  json.set("low", fmt::format("{:.6f}", interval.low));
  json.set("high", fmt::format("{:.6f}", interval.high));
  return json;
}

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kHolds:
      return "yes";
    case Verdict::kFails:
      return "no";
    case Verdict::kUndecided:
      return "undecided";
  }
  return "undecided";
}

}  // namespace

std::vector<Answer> answer(const QualityReport& report) {
  const auto& made = report.sets.at(0);
  const auto& real = report.sets.at(2);
  const auto& copies = report.nearness.at(0);
  std::vector<Answer> answers = {
      {report.accuracy,
       {},
       fmt::format("Generated digits are the digits asked for: {} judged so (95 %: {}), bar {}.",
                   percent(share(made.correct, static_cast<std::int64_t>(report.count))),
                   percent(made.accuracy), percent(kAccuracyBar))},
      {report.equality,
       {},
       fmt::format("Hash noise and torch noise do equally well: FD-clf differs by {:+.4f} (95 %: "
                   "{:+.4f} to {:+.4f}), bar +-{:.4f}, which is {:.0f} % of the real-real distance "
                   "{:.4f}; smallest detectable difference {:.4f}, {:.1f} % of the generated "
                   "pictures' own distance.",
                   report.difference, report.difference_interval.low,
                   report.difference_interval.high, report.equality_bound, 100 * kEqualityShare,
                   real.distance, report.difference_interval.half_width(),
                   100 * report.difference_interval.half_width() / made.distance)},
      {report.memory,
       {},
       fmt::format("Generated digits are no copies: {} of {} have a training picture to "
                   "themselves, {} of {} real ones do; {} are nearer to a training picture than "
                   "1 % of real ones (95 %: {}).",
                   copies.copies, copies.pictures, report.nearness.at(2).copies,
                   report.nearness.at(2).pictures, percent(share(copies.near, copies.pictures)),
                   percent(copies.near_share))}};
  for (auto& row : answers) row.word = to_string(row.verdict);
  return answers;
}

std::string render_markdown(const QualityReport& report) {
  std::string text = "# Quality of generated digits\n\nWritten by `calx study quality`.\n\n";
  for (const auto& row : report.answers) {
    text += fmt::format("- **{}**: {}\n", row.word, row.sentence);
  }
  text += fmt::format("\n{}\n\n{}\n{}\n", set_text(report), table(kSetHeader, set_rows(report)),
                      judge_text(report));
  text += fmt::format("\n{}\n\n## Nearest training pictures\n\n{}\n\n{}", mutual_text(report),
                      kNearText, table(kNearHeader, near_rows(report)));
  text += fmt::format("\n## By digit, judged as labelled\n\n{}",
                      table(kClassHeader, class_rows(report)));
  text += fmt::format("\n## Samples\n\n{}", table(kDigestHeader, digest_rows(report)));
  text += "\n## How it was made\n\n";
  for (const auto& [key, value] : report.facts) text += fmt::format("- {}: `{}`\n", key, value);
  return text;
}

Result<std::string> render_json(const QualityReport& report) {
  format::Json json;
  for (const auto& [key, value] : report.facts) json.set(key, value);
  format::Json answers = format::Json::array();
  for (const auto& row : report.answers) {
    answers.push(format::Json({{"verdict", row.word}, {"text", row.sentence}}));
  }
  json.set("verdicts", std::move(answers));
  format::Json sets = format::Json::array();
  for (const auto& set : report.sets) {
    format::Json row;
    row.set("name", set.name).set("sha256", set.digest);
    row.set("fd_clf", fmt::format("{:.6f}", set.distance));
    row.set("standard_error", fmt::format("{:.6f}", set.deviation));
    row.set("correct", set.correct).set("accuracy", interval_json(set.accuracy));
    format::Json by_class = format::Json::array();
    for (const auto hits : set.correct_by_class) by_class.push(hits);
    row.set("correct_by_class", std::move(by_class));
    sets.push(std::move(row));
  }
  json.set("sets", std::move(sets));
  json.set("fd_difference", fmt::format("{:.6f}", report.difference));
  json.set("fd_difference_interval", interval_json(report.difference_interval));
  json.set("equality_bound", fmt::format("{:.6f}", report.equality_bound));
  json.set("smallest_detectable_difference",
           fmt::format("{:.6f}", report.difference_interval.half_width()));
  json.set("fd_between_arms", fmt::format("{:.6f}", report.mutual));
  json.set("fd_between_arms_by_chance", interval_json(report.mutual_by_chance));
  json.set("fd_between_arms_p", fmt::format("{:.4f}", report.mutual_p));
  json.set("judge_correct", report.judge_correct).set("judge_judged", report.judge_judged);
  format::Json nearness = format::Json::array();
  for (const auto& near : report.nearness) {
    format::Json row;
    row.set("name", near.name).set("pictures", near.pictures);
    row.set("least", fmt::format("{:.2f}", near.least));
    row.set("median", fmt::format("{:.2f}", near.median));
    row.set("near", near.near).set("near_share", interval_json(near.near_share));
    row.set("copies", near.copies);
    nearness.push(std::move(row));
  }
  json.set("nearness", std::move(nearness));
  return format::encode_pretty_json(json);
}

Result<std::string> render_page(const QualityReport& report) {
  format::Page page("Quality of generated digits",
                    "What a classifier, a distance and a search say about them.");
  std::vector<format::PageCheck> checks;
  for (const auto& row : report.answers) {
    const auto mark = row.verdict == Verdict::kHolds   ? format::PageMark::kPass
                      : row.verdict == Verdict::kFails ? format::PageMark::kFail
                                                       : format::PageMark::kNotChecked;
    checks.push_back({mark, row.word, row.sentence});
  }
  page.checks(checks);
  std::vector<format::PageFigure> figures;
  if (!report.examples.empty()) {
    CALX_ASSIGN(examples, sheet(report.examples, kExampleColumns));
    figures.push_back({.caption = "Ten of each digit\nfrom hash noise, the first ones",
                       .png = std::move(examples),
                       .link = {},
                       .href = {}});
  }
  if (!report.closest.empty()) {
    std::vector<format::Image> tiles;
    for (const auto& pair : report.closest) {
      tiles.push_back(pair.made);
      tiles.push_back(pair.learnt);
    }
    CALX_ASSIGN(pairs, sheet(tiles, 4));
    figures.push_back({.caption = "The nearest to training pictures\ngenerated on the left, its "
                                  "training picture on the right, twice a row",
                       .png = std::move(pairs),
                       .link = {},
                       .href = {}});
  }
  page.gallery(figures, 360);
  page.heading("Distance to real handwriting");
  page.paragraph(set_text(report));
  page.table(kSetHeader, set_rows(report));
  page.paragraph(judge_text(report));
  page.paragraph(mutual_text(report));
  page.heading("Nearest training pictures");
  page.paragraph(kNearText);
  page.table(kNearHeader, near_rows(report));
  page.heading("By digit, judged as labelled");
  page.table(kClassHeader, class_rows(report));
  page.heading("How it was made");
  page.key_values(report.facts);
  page.table(kDigestHeader, digest_rows(report));
  return page.html();
}

}  // namespace calx::eval
