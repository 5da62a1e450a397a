#include "calx/inference/reference_table.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace calx::inference {

std::string figure(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  return size >= 0.01 && size < 100 ? fmt::format("{:.4f}", value) : fmt::format("{:.4g}", value);
}

ReferenceTable::ReferenceTable(std::string title, std::string note, bool judged) : judged_(judged) {
  table_.title = std::move(title);
  table_.note = std::move(note);
  table_.columns = {"quantity", "here", "reference", "difference", "tolerance", "verdict"};
}

void ReferenceTable::add(std::string name, double value, std::string reference,
                         std::string difference, std::string rule, Verdict verdict) {
  if (verdict == Verdict::kHolds) ++held_;
  if (verdict == Verdict::kMissed) {
    missed_.push_back({verdict, fmt::format("{}: {} here, {} in the reference ({})", name,
                                            figure(value), reference, rule)});
  }
  table_.rows.push_back({std::move(name), figure(value), std::move(reference),
                         std::move(difference), std::move(rule), std::string(to_string(verdict))});
}

void ReferenceTable::near(std::string name, double value, double reference, double tolerance,
                          std::string_view basis) {
  const double difference = value - reference;
  const bool holds = std::abs(difference) <= tolerance;
  add(std::move(name), value, figure(reference), fmt::format("{:+.4g}", difference),
      fmt::format("+-{:.4g} ({})", tolerance, basis),
      !judged_ ? Verdict::kNotJudged : (holds ? Verdict::kHolds : Verdict::kMissed));
}

void ReferenceTable::below(std::string name, double value, double bound,
                           std::string_view reference) {
  add(std::move(name), value, std::string(reference), "", fmt::format("below {:.4g}", bound),
      !judged_ ? Verdict::kNotJudged : (value < bound ? Verdict::kHolds : Verdict::kMissed));
}

void ReferenceTable::shown(std::string name, double value, std::string_view reference,
                           std::string_view why) {
  add(std::move(name), value, std::string(reference), "", std::string(why), Verdict::kNotJudged);
}

std::vector<Answer> ReferenceTable::answers() const {
  std::vector<Answer> answers;
  if (!judged_) {
    answers.push_back({Verdict::kNotJudged, "the set-up is smaller than the reference's"});
    return answers;
  }
  answers.push_back({missed_.empty() ? Verdict::kHolds : Verdict::kMissed,
                     fmt::format("{} of {} judged rows lie within their tolerance", held_,
                                 held_ + missed_.size())});
  answers.insert(answers.end(), missed_.begin(), missed_.end());
  return answers;
}

}  // namespace calx::inference
