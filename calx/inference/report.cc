#include "calx/inference/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>

#include "calx/base/atomic_file.h"
#include "calx/format/canonical_json.h"
#include "calx/format/page.h"
#include "calx/format/png.h"

namespace calx::inference {
namespace {

constexpr std::uint32_t kPictureWidthMin = 360;  // CSS pixels

format::PageMark mark_of(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kHolds:
      return format::PageMark::kPass;
    case Verdict::kMissed:
      return format::PageMark::kFail;
    case Verdict::kNotJudged:
      return format::PageMark::kNotChecked;
  }
  return format::PageMark::kNotChecked;
}

// A bar inside a cell would end it.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, 1, '\\');
  }
  return text;
}

std::string line_of(const std::vector<std::string>& cells, std::size_t columns) {
  std::string line = "|";
  for (std::size_t i = 0; i < columns; ++i) {
    line += fmt::format(" {} |", i < cells.size() ? cell(cells[i]) : "");
  }
  return line + '\n';
}

std::string markdown_of(const Table& table) {
  std::string text = fmt::format("\n## {}\n\n", table.title);
  if (!table.note.empty()) text += table.note + "\n\n";
  text += line_of(table.columns, table.columns.size()) + "|";
  for (std::size_t i = 0; i < table.columns.size(); ++i) text += "---|";
  text += '\n';
  for (const auto& row : table.rows) text += line_of(row, table.columns.size());
  return text;
}

format::Json json_of(const Table& table) {
  format::Json rows = format::Json::array();
  for (const auto& row : table.rows) {
    format::Json line = format::Json::array();
    for (const auto& text : row) line.push(text);
    rows.push(std::move(line));
  }
  format::Json columns = format::Json::array();
  for (const auto& column : table.columns) columns.push(column);
  format::Json json;
  json.set("title", table.title).set("note", table.note);
  json.set("columns", std::move(columns)).set("rows", std::move(rows));
  return json;
}

std::span<const std::uint8_t> bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::kHolds:
      return "yes";
    case Verdict::kMissed:
      return "MISSED";
    case Verdict::kNotJudged:
      return "not judged";
  }
  return "not judged";
}

bool Report::holds() const noexcept {
  return std::ranges::none_of(
      answers, [](const Answer& answer) { return answer.verdict == Verdict::kMissed; });
}

std::string render_markdown(const Report& report) {
  std::string text = fmt::format("# {}\n\n{}\n\n", report.title, report.summary);
  for (const auto& answer : report.answers) {
    text += fmt::format("- **{}**: {}\n", to_string(answer.verdict), answer.sentence);
  }
  for (const auto& table : report.tables) text += markdown_of(table);
  text += "\n## How it was made\n\n";
  for (const auto& [key, value] : report.facts) text += fmt::format("- {}: `{}`\n", key, value);
  return text;
}

Result<std::string> render_json(const Report& report) {
  format::Json json;
  json.set("name", report.name).set("title", report.title).set("summary", report.summary);
  format::Json facts;
  for (const auto& [key, value] : report.facts) facts.set(key, value);
  json.set("facts", std::move(facts));
  format::Json answers = format::Json::array();
  for (const auto& answer : report.answers) {
    answers.push(format::Json(
        {{"verdict", std::string(to_string(answer.verdict))}, {"text", answer.sentence}}));
  }
  json.set("answers", std::move(answers));
  format::Json tables = format::Json::array();
  for (const auto& table : report.tables) tables.push(json_of(table));
  json.set("tables", std::move(tables));
  return format::encode_pretty_json(json);
}

Result<std::string> render_page(const Report& report) {
  format::Page page(report.title, report.summary);
  std::vector<format::PageCheck> checks;
  for (const auto& answer : report.answers) {
    checks.push_back(
        {mark_of(answer.verdict), std::string(to_string(answer.verdict)), answer.sentence});
  }
  page.checks(checks);
  std::vector<format::PageFigure> figures;
  for (const auto& picture : report.pictures) {
    CALX_ASSIGN(png, format::encode_png(picture.image));
    figures.push_back({.caption = picture.caption, .png = std::move(png), .link = {}, .href = {}});
  }
  page.gallery(figures, kPictureWidthMin);
  for (const auto& chart : report.charts) page.chart(chart);
  for (const auto& table : report.tables) {
    page.heading(table.title);
    if (!table.note.empty()) page.paragraph(table.note);
    page.table(table.columns, table.rows);
  }
  page.heading("How it was made");
  page.key_values(report.facts);
  return page.html();
}

Result<ReportFiles> write_report(const Report& report, const std::filesystem::path& folder) {
  const bool plain = std::ranges::all_of(report.name, [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-';
  });
  if (!plain || report.name.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("report name is \"{}\"; wanted lower case letters, digits and '-'",
                            report.name));
  }
  CALX_ASSIGN(json, render_json(report));
  CALX_ASSIGN(page, render_page(report));
  const std::string markdown = render_markdown(report);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const ReportFiles files{folder / (report.name + ".json"), folder / (report.name + ".md"),
                          folder / (report.name + ".html")};
  CALX_TRY(write_file(files.json, bytes_of(json)));
  CALX_TRY(write_file(files.markdown, bytes_of(markdown)));
  CALX_TRY(write_file(files.page, bytes_of(page)));
  return files;
}

}  // namespace calx::inference
