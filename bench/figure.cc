#include "bench/figure.h"

#include <fmt/format.h>

#include "calx/base/assert.h"

namespace calx::bench {

Figure measure(const FigureCase& work, bool quick) {
  Figure figure{.name = work.name,
                .what = work.what,
                .unit = work.unit,
                .bar = work.bar,
                .at_least = work.at_least,
                .origin = work.origin};
  if (!work.missing.empty()) {
    figure.verdict = Verdict::kUnavailable;
    figure.detail = work.missing;
    return figure;
  }
  auto measured = work.run(quick);
  if (!measured) {
    figure.verdict = Verdict::kWrong;
    figure.detail = measured.error().message;
    return figure;
  }
  figure.value = measured->value;
  figure.detail = std::move(measured->detail);
  if (quick || work.bar == 0) return figure;
  const bool met = work.at_least ? figure.value >= work.bar : figure.value <= work.bar;
  figure.verdict = met ? Verdict::kMet : Verdict::kMissed;
  return figure;
}

std::string value_text(const Figure& figure) {
  if (figure.verdict == Verdict::kWrong || figure.verdict == Verdict::kUnavailable) return "-";
  return fmt::format("{:.{}f} {}", figure.value, figure.value < 100 ? 2 : 0, figure.unit);
}

std::string bar_text(const Figure& figure) {
  if (figure.bar == 0) return "-";
  return fmt::format("{} {:g} {}", figure.at_least ? ">=" : "<=", figure.bar, figure.unit);
}

double quantile(const std::vector<double>& values, double p) {
  CALX_ASSERT(!values.empty());
  return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
}

}  // namespace calx::bench
