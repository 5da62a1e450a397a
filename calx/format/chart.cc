#include "calx/format/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "calx/format/page.h"

namespace calx::format {
namespace {

// CSS pixels at the chart's own size; the page scales it to its width.
constexpr double kWidth = 720, kHeight = 300;
constexpr double kLeft = 64, kRight = 16, kTop = 12, kBottom = 46;
constexpr int kTicksWanted = 5;
constexpr double kValueMax = 1e300;

struct Tick {
  double value;
  std::string label;
};

/// One axis: from values to pixels, linear or logarithmic. `air_share` of its length stays free at
/// either end, so that a line does not touch the frame.
class Axis {
 public:
  Axis(double least, double greatest, bool log, double air_share, double pixel_least,
       double pixel_greatest)
      : log_(log), pixel_least_(pixel_least), pixel_greatest_(pixel_greatest) {
    least_ = log ? std::log10(least) : least;
    greatest_ = log ? std::log10(greatest) : greatest;
    if (greatest_ - least_ <= 1e-12 * std::max(std::abs(least_), std::abs(greatest_))) {
      // Of a single value: half a decade, or a tenth of the value.
      const double margin = log ? 0.5 : least_ == 0 ? 1.0 : std::abs(least_) * 0.1;
      least_ -= margin;
      greatest_ += margin;
    }
    const double air = air_share * (greatest_ - least_);
    least_ -= air;
    greatest_ += air;
  }

  [[nodiscard]] double pixel(double value) const {
    const double place = log_ ? std::log10(value) : value;
    return pixel_least_ +
           (place - least_) / (greatest_ - least_) * (pixel_greatest_ - pixel_least_);
  }

  [[nodiscard]] std::vector<Tick> ticks() const {
    if (log_ && greatest_ - least_ >= 1) return decade_ticks();
    const double low = log_ ? std::pow(10, least_) : least_;
    const double high = log_ ? std::pow(10, greatest_) : greatest_;
    const double step = round_step((high - low) / kTicksWanted);
    std::vector<Tick> ticks;
    for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k) {
      if (log_ && k <= 0) continue;
      ticks.push_back({k * step, fmt::format("{:.6g}", k * step + 0.0)});
    }
    return ticks;
  }

 private:
  /// 1, 2 or 5 times a power of ten, at least `step`.
  static double round_step(double step) {
    const double power = std::pow(10, std::floor(std::log10(step)));
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor * power >= step * (1 - 1e-9)) return factor * power;
    }
    return 10 * power;
  }

  [[nodiscard]] std::vector<Tick> decade_ticks() const {
    std::vector<Tick> ticks;
    const double decades = greatest_ - least_;
    const double stride = std::max(1.0, std::ceil(decades / 8));
    for (double e = std::floor(least_); e <= greatest_; e += stride) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor > 1 && decades > 3) break;
        const double place = e + std::log10(factor);
        if (place < least_ - 1e-9 || place > greatest_ + 1e-9) continue;
        const double value = factor * std::pow(10, e);
        ticks.push_back({value, fmt::format("{:.6g}", value)});
      }
    }
    return ticks;
  }

  bool log_;
  double pixel_least_, pixel_greatest_;
  double least_ = 0, greatest_ = 1;
};

struct Point {
  double x, y;
};

bool drawable(Point p, bool log_y) noexcept {
  return std::abs(p.x) <= kValueMax && std::abs(p.y) <= kValueMax && (!log_y || p.y > 0);
}

/// The points to draw; one that is not drawable stands for a gap.
std::vector<Point> thin_out(const ChartSeries& series, bool log_y) {
  const std::size_t count = std::min(series.x.size(), series.y.size());
  std::vector<Point> points;
  if (count <= kChartPointsMax) {
    for (std::size_t i = 0; i < count; ++i) points.push_back({series.x[i], series.y[i]});
    return points;
  }
  const std::size_t buckets = kChartPointsMax / 2;
  for (std::size_t b = 0; b < buckets; ++b) {
    const std::size_t first = b * count / buckets, last = (b + 1) * count / buckets;
    std::size_t least = last, greatest = last;
    for (std::size_t i = first; i < last; ++i) {
      if (!drawable({series.x[i], series.y[i]}, log_y)) continue;
      if (least == last || series.y[i] < series.y[least]) least = i;
      if (greatest == last || series.y[i] > series.y[greatest]) greatest = i;
    }
    if (least == last) {
      points.push_back({series.x[first], std::numeric_limits<double>::quiet_NaN()});
      continue;
    }
    for (const std::size_t i : {std::min(least, greatest), std::max(least, greatest)}) {
      points.push_back({series.x[i], series.y[i]});
    }
  }
  return points;
}

struct Box {
  double x_least = kValueMax, x_greatest = -kValueMax;
  double y_least = kValueMax, y_greatest = -kValueMax;
};

std::string draw_axes(const Chart& chart, const Axis& x, const Axis& y) {
  std::string svg;
  const auto out = std::back_inserter(svg);
  const double bottom = kHeight - kBottom, right = kWidth - kRight;
  for (const Tick& tick : y.ticks()) {
    const double at = y.pixel(tick.value);
    fmt::format_to(out,
                   "<line class=\"grid\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
                   "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
                   kLeft, right, at, at, kLeft - 8, at + 4, tick.label);
  }
  for (const Tick& tick : x.ticks()) {
    const double at = x.pixel(tick.value);
    fmt::format_to(out,
                   "<line class=\"axis\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
                   "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                   at, at, bottom, bottom + 5, at, bottom + 18, tick.label);
  }
  fmt::format_to(out,
                 "<line class=\"axis\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>"
                 "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>"
                 "<text transform=\"translate(14 {:.1f}) rotate(-90)\" "
                 "text-anchor=\"middle\">{}</text>",
                 kLeft, right, bottom, bottom, (kLeft + right) / 2, kHeight - 8,
                 escape_html(chart.x_label), (kTop + bottom) / 2, escape_html(chart.y_label));
  return svg;
}

std::string draw_series(const ChartSeries& series, std::size_t index, bool log_y, const Axis& x,
                        const Axis& y) {
  std::string path, dots;
  bool pen_down = false;
  for (const Point p : thin_out(series, log_y)) {
    if (!drawable(p, log_y)) {
      pen_down = false;
      continue;
    }
    const double at_x = x.pixel(p.x), at_y = y.pixel(p.y);
    fmt::format_to(std::back_inserter(path), "{}{:.1f} {:.1f}", pen_down ? 'L' : 'M', at_x, at_y);
    pen_down = true;
    if (series.dots) {
      fmt::format_to(std::back_inserter(dots),
                     "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"><title>{}: {:.6g}, {:.6g}"
                     "</title></circle>",
                     at_x, at_y, escape_html(series.name), p.x, p.y);
    }
  }
  return fmt::format(
      "<g class=\"series\" style=\"--c:var(--series-{})\"><path d=\"{}\"{}><title>{}</title>"
      "</path>{}</g>",
      index % kChartColours, path, index >= kChartColours ? " stroke-dasharray=\"5 4\"" : "",
      escape_html(series.name), dots);
}

}  // namespace

std::string encode_svg(const Chart& chart) {
  Box box;
  for (const ChartSeries& series : chart.series) {
    for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
      const Point p{series.x[i], series.y[i]};
      if (!drawable(p, chart.log_y)) continue;
      box = {std::min(box.x_least, p.x), std::max(box.x_greatest, p.x), std::min(box.y_least, p.y),
             std::max(box.y_greatest, p.y)};
    }
  }
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
                                kWidth, kHeight, escape_html(chart.title));
  if (box.x_least > box.x_greatest) {
    return svg + fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">no data</text></svg>",
                             kWidth / 2, kHeight / 2);
  }
  const Axis x(box.x_least, box.x_greatest, false, 0, kLeft, kWidth - kRight);
  const Axis y(box.y_least, box.y_greatest, chart.log_y, 0.04, kHeight - kBottom, kTop);
  svg += draw_axes(chart, x, y);
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    svg += draw_series(chart.series[i], i, chart.log_y, x, y);
  }
  return svg + "</svg>";
}

}  // namespace calx::format
