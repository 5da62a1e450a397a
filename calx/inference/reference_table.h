// Figures beside the ones that a publication or a reference gives, each with its difference and a
// verdict. A row that misses says so.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "calx/inference/report.h"

namespace calx::inference {

class ReferenceTable {
 public:
  /// `judged` false: the set-up is not the reference's, so no row gets a verdict.
  ReferenceTable(std::string title, std::string note, bool judged);

  /// |value - reference| <= tolerance. `basis`: who set the tolerance.
  void near(std::string name, double value, double reference, double tolerance,
            std::string_view basis = "reference");
  /// value < bound. `reference`: what was seen there.
  void below(std::string name, double value, double bound, std::string_view reference);
  /// Beside each other, without a verdict, because `why`.
  void shown(std::string name, double value, std::string_view reference, std::string_view why);

  [[nodiscard]] Table table() const { return table_; }
  /// How many of the judged rows agree, then one answer for every row that misses.
  [[nodiscard]] std::vector<Answer> answers() const;

 private:
  void add(std::string name, double value, std::string reference, std::string difference,
           std::string rule, Verdict verdict);

  Table table_;
  bool judged_;
  std::size_t held_ = 0;
  std::vector<Answer> missed_;
};

/// Four decimals, or four significant digits where that would say little.
std::string figure(double value);

}  // namespace calx::inference
