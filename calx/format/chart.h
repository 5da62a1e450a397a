// A line chart for a report page.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace calx::format {

inline constexpr std::size_t kChartPointsMax = 2'000;  // drawn of one series

struct ChartSeries {
  std::string name;
  std::vector<double> x;  // same length as y; points with a value that is not finite leave a gap
  std::vector<double> y;
  bool dots = false;  // draw the points too: right for few measurements
};

struct Chart {
  std::string title;
  std::string x_label;  // with its unit
  std::string y_label;  // with its unit
  std::vector<ChartSeries> series;
  bool log_y = false;  // points at or below zero leave a gap
};

/// The drawing alone, as an <svg> element: axes, grid, lines and dots, in colours that the page
/// sets as --series-0 to --series-5 (a seventh series starts again with dashes), --ink and --line.
/// A series with more than kChartPointsMax points is drawn by the least and the greatest value of
/// each bucket, so that no peak is lost. Values beyond 1e300 count as not finite.
std::string encode_svg(const Chart& chart);

/// The number of colours.
inline constexpr std::size_t kChartColours = 6;

}  // namespace calx::format
