// What an experiment leaves behind: one report, written as JSON for programs, Markdown for the
// repository and one HTML page for people.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calx/base/result.h"
#include "calx/format/chart.h"
#include "calx/format/image.h"

namespace calx::inference {

enum class Verdict : std::uint8_t { kHolds, kMissed, kNotJudged };
/// "yes", "MISSED", "not judged".
std::string_view to_string(Verdict verdict) noexcept;

/// A bar or a question, and the figures that decide it.
struct Answer {
  Verdict verdict = Verdict::kNotJudged;
  std::string sentence;
};

/// Figures are texts, formatted by whoever knows their digits; a row short of cells ends blank.
struct Table {
  std::string title;
  std::string note;  // what the columns mean and what the figures do not say; may be empty
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

struct Picture {
  std::string caption;  // the first line is strong
  format::Image image;
};

struct Report {
  std::string name;     // "stage-c": of the files
  std::string title;    // "Stage C: per-pixel activations"
  std::string summary;  // a sentence or two: what was asked
  /// Command, seeds, digests, origin of the noise, machine: what somebody needs to make it again.
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<Answer> answers;
  std::vector<Table> tables;
  std::vector<format::Chart> charts;
  std::vector<Picture> pictures;

  /// No answer says MISSED.
  [[nodiscard]] bool holds() const noexcept;
};

std::string render_markdown(const Report& report);
/// Errors: those of encode_pretty_json (text that is no UTF-8).
Result<std::string> render_json(const Report& report);
/// Errors: kInvalidArgument (a picture of no or the wrong size).
Result<std::string> render_page(const Report& report);

struct ReportFiles {
  std::filesystem::path json, markdown, page;
};
/// FOLDER/NAME.json, .md and .html, each whole or not at all; the folder is made if absent.
/// Errors: as above; kInvalidArgument (a name that is not lower case letters, digits and '-');
/// those of writing.
Result<ReportFiles> write_report(const Report& report, const std::filesystem::path& folder);

/// How far a long experiment has come. `count` 0: not known.
struct Progress {
  std::string stage;
  std::size_t done = 0, count = 0;
};
using Observer = std::function<void(const Progress&)>;

}  // namespace calx::inference
