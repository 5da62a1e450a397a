#include "calx/metrics/exposition.h"

#include <fmt/format.h>

#include <cmath>

namespace calx::metrics {
namespace {

constexpr std::string_view type_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::kCounter:
      return "counter";
    case Kind::kGauge:
      return "gauge";
    case Kind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

void append_escaped(std::string& text, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') {
      text += '\\';
      text += c;
    } else if (c == '\n') {
      text += "\\n";
    } else if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      text += fmt::format("\\\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
}

}  // namespace

void Exposition::family(std::string_view name, Kind kind, std::string_view help) {
  name_ = name;
  text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type_of(kind));
}

void Exposition::line(std::string_view suffix, Labels labels, std::string_view bound,
                      std::string_view value) {
  text_.append(name_).append(suffix);
  char open = '{';
  for (const auto& [name, text] : labels) {
    text_ += open;
    text_.append(name).append("=\"");
    append_escaped(text_, text);
    text_ += '"';
    open = ',';
  }
  if (!bound.empty()) {
    text_ += open;
    text_.append("le=\"").append(bound).append("\"");
    open = ',';
  }
  if (open == ',') text_ += '}';
  text_.append(" ").append(value).append("\n");
}

void Exposition::sample(Labels labels, std::uint64_t value) {
  line("", labels, "", fmt::format("{}", value));
}

void Exposition::sample(Labels labels, double value) { line("", labels, "", number(value)); }

void Exposition::durations(Labels labels, const Durations& value) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < value.counts.size(); ++i) {
    below += value.counts[i];
    const bool open = i + 1 == value.counts.size();
    const double bound_s = std::ldexp(1e-6, static_cast<int>(i));
    line("_bucket", labels, open ? "+Inf" : number(bound_s), fmt::format("{}", below));
  }
  line("_sum", labels, "", number(value.sum_s));
  line("_count", labels, "", fmt::format("{}", below));
}

void Exposition::counter(std::string_view name, std::string_view help, std::uint64_t value) {
  family(name, Kind::kCounter, help);
  sample({}, value);
}

void Exposition::gauge(std::string_view name, std::string_view help, std::uint64_t value) {
  family(name, Kind::kGauge, help);
  sample({}, value);
}

}  // namespace calx::metrics
