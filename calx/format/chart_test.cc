// Goal: a chart shows every peak and no point that is not there, whatever the numbers.
// Method: laws on the SVG text.
#include "calx/format/chart.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace calx::format {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::size_t count(std::string_view text, std::string_view word) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != text.npos; at += word.size()) ++n;
  return n;
}

std::string path_of(const std::string& svg) {
  const std::size_t at = svg.find(" d=\"") + 4;
  return svg.substr(at, svg.find('"', at) - at);
}

TEST(ChartTest, DrawsOneLineASeries) {
  const Chart chart{"Loss", "step", "loss", {{"a", {0, 1, 2}, {3, 2, 1}}, {"b", {0, 2}, {1, 1}}}};
  const std::string svg = encode_svg(chart);
  EXPECT_EQ(count(svg, "<path"), 2u);
  EXPECT_EQ(count(path_of(svg), "L"), 2u);
  EXPECT_THAT(svg, HasSubstr("var(--series-1)"));
  EXPECT_THAT(svg, HasSubstr(">step</text>"));
}

TEST(ChartTest, LeavesAGapWhereAValueIsNotFinite) {
  const Chart chart{"", "", "", {{"a", {0, 1, 2, 3, 4}, {1, 2, kNaN, 4, 5}}}};
  EXPECT_EQ(count(path_of(encode_svg(chart)), "M"), 2u);
}

TEST(ChartTest, LeavesAGapAtZeroOnALogAxis) {
  const Chart chart{"", "", "", {{"a", {0, 1, 2}, {1e-3, 0, 1e3}}}, true};
  const std::string svg = encode_svg(chart);
  EXPECT_EQ(count(path_of(svg), "M"), 2u);
  EXPECT_THAT(svg, HasSubstr(">0.001<"));
  EXPECT_THAT(svg, HasSubstr(">1000<"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(ChartTest, TicksOnANarrowLogAxisReachBelowTheFirstDecade) {
  const Chart chart{"", "", "", {{"a", {0, 1}, {0.015, 1.2}}}, true};
  EXPECT_THAT(encode_svg(chart), testing::AllOf(HasSubstr(">0.02<"), HasSubstr(">0.05<"),
                                                HasSubstr(">0.1<"), HasSubstr(">1<")));
}

TEST(ChartTest, KeepsAPeakAmongManyPoints) {
  ChartSeries series{"a", {}, {}};
  for (int i = 0; i < 100'000; ++i) {
    series.x.push_back(i);
    series.y.push_back(i == 54'321 ? 1000.0 : std::sin(i));
  }
  const std::string with_peak = path_of(encode_svg({"", "", "", {series}}));
  EXPECT_LE(count(with_peak, "L"), kChartPointsMax);
  // The peak alone lies above the middle of the drawing.
  std::size_t high = 0;
  for (std::size_t at = 0; (at = with_peak.find(' ', at)) != std::string::npos; ++at) {
    if (std::stod(with_peak.substr(at + 1)) < 100) ++high;
  }
  EXPECT_EQ(high, 1u);
}

TEST(ChartTest, SurvivesEveryDegenerateRange) {
  for (const auto& y :
       std::vector<std::vector<double>>{{},
                                        {1},
                                        {2, 2},
                                        {0, 0},
                                        {kNaN},
                                        {1e300, -1e300},
                                        {1e-300, 2e-300},
                                        {1e308, 1},
                                        {std::numeric_limits<double>::infinity(), 1},
                                        {1e15, 1e15 + 1}}) {
    for (const bool log_y : {false, true}) {
      const Chart chart{"", "", "", {{"a", {5, 5}, y}, {"b", {}, {1}}}, log_y};
      const std::string svg = encode_svg(chart);
      EXPECT_THAT(svg, Not(HasSubstr("nan")));
      EXPECT_THAT(svg, Not(HasSubstr("inf")));
      EXPECT_LT(svg.size(), 10'000u);
    }
  }
  EXPECT_THAT(encode_svg({}), HasSubstr("no data"));
}

TEST(ChartTest, EscapesEveryText) {
  const Chart chart{"<t>", "<x>", "<y>", {{"<n>", {1, 2}, {1, 2}, true}}};
  EXPECT_THAT(encode_svg(chart), testing::AllOf(Not(HasSubstr("<t>")), Not(HasSubstr("<x>")),
                                                Not(HasSubstr("<y>")), Not(HasSubstr("<n>"))));
}

}  // namespace
}  // namespace calx::format
