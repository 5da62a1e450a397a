// One figure of `calx bench` that has no rival: measured against a bar that the project states.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/pair.h"
#include "calx/base/origin.h"

namespace calx::bench {

/// What a case found. A wrong answer on the way is an error, not a figure.
struct Measured {
  double value = 0;      // in the unit of the case
  std::string detail{};  // what else was seen: spread, wall rate, how the bar is to be read
};

struct FigureCase {
  std::string name;                   // layer/operation/variant
  std::string what{};                 // what was done, by whom, in a few words
  std::string unit;                   // "share/s", "ms"
  double bar = 0;                     // 0: shown, not judged
  bool at_least = false;              // the bar is the least, not the most, that will do
  Origin origin = Origin::kSoftware;  // who found what was measured
  std::function<Result<Measured>(bool quick)> run;  // checks every answer
  std::string missing{};                            // why it cannot run here, or empty
};

struct Figure {
  std::string name{}, what{}, unit{};
  double value = 0, bar = 0;
  bool at_least = false;
  Origin origin = Origin::kSoftware;
  Verdict verdict = Verdict::kShown;
  std::string detail{};
};

/// Runs it once; a quick run is not judged.
Figure measure(const FigureCase& work, bool quick);

/// "28.4 k share/s", "1.31 ms"; "-" when nothing was measured.
std::string value_text(const Figure& figure);
/// ">= 25000 share/s"; "-" without a bar.
std::string bar_text(const Figure& figure);

/// The value that a fraction p of sorted `values` does not pass. \pre not empty, sorted
double quantile(const std::vector<double>& values, double p);

}  // namespace calx::bench
