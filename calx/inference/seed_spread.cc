#include "calx/inference/seed_spread.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "calx/base/assert.h"

namespace calx::inference {
namespace {

// Student's t at 97.5 % for 1 degree of freedom and up; beyond the table that of the normal law.
constexpr std::array kStudent = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262};
constexpr double kNormal = 1.96;

}  // namespace

SeedSpread spread_of(std::span<const double> values) noexcept {
  CALX_ASSERT(!values.empty());
  SeedSpread spread{.seeds = values.size()};
  const auto n = static_cast<double>(values.size());
  for (const double value : values) spread.mean += value / n;
  const auto [least, largest] = std::ranges::minmax(values);
  spread.least = least;
  spread.largest = largest;
  if (values.size() < 2) return spread;
  double squares = 0;
  for (const double value : values) squares += (value - spread.mean) * (value - spread.mean);
  const std::size_t freedom = values.size() - 1;
  const double t = freedom <= kStudent.size() ? kStudent[freedom - 1] : kNormal;
  spread.half_width = t * std::sqrt(squares / (n - 1) / n);
  return spread;
}

std::string text_of(const SeedSpread& spread, int decimals) {
  if (std::isnan(spread.mean)) return "-";
  if (std::isinf(spread.mean)) return "inf";
  if (spread.seeds < 2) return fmt::format("{:.{}f}", spread.mean, decimals);
  return fmt::format("{:.{}f} +- {:.{}f}", spread.mean, decimals, spread.half_width, decimals);
}

}  // namespace calx::inference
