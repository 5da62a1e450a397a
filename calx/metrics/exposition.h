// Counters as the text that Prometheus reads (text exposition format 0.0.4).
//
// Source: prometheus.io/docs/instrumenting/exposition_formats, "Text-based format".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace calx::metrics {

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

enum class Kind : std::uint8_t { kCounter, kGauge, kHistogram };

/// Values may hold any bytes, for names of workers come from the network: backslash, quote and line
/// end are escaped as the format wants, and what is not printable ASCII reads as \xNN.
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Counts of durations: counts[i] below 2^i microseconds and not below half; the last is open.
struct Durations {
  std::span<const std::uint64_t> counts;
  double sum_s = 0;
};

/// Families are written one after another, each with all its samples. It holds the caller to the
/// format's rule that a family appears once only by convention: names are not remembered.
class Exposition {
 public:
  /// Begins a family. \pre name matches [a-zA-Z_:][a-zA-Z0-9_:]*
  void family(std::string_view name, Kind kind, std::string_view help);
  /// Of the family begun last, which is no histogram.
  void sample(Labels labels, std::uint64_t value);
  void sample(Labels labels, double value);
  /// Of the family begun last, which is a histogram, in seconds. Cumulative, as the format wants.
  void durations(Labels labels, const Durations& value);

  /// A family with one sample and no labels.
  void counter(std::string_view name, std::string_view help, std::uint64_t value);
  void gauge(std::string_view name, std::string_view help, std::uint64_t value);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  void line(std::string_view suffix, Labels labels, std::string_view bound, std::string_view value);
  std::string text_ = {}, name_ = {};
};

}  // namespace calx::metrics
