#include "calx/emulate/fault_plan.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <set>

namespace calx::emulate {
namespace {

constexpr std::array<std::string_view, kFaultCount> kNames = {
    "none", "loss", "lie", "duplicate", "stale", "corrupt", "disconnect", "half-open"};

std::unexpected<Error> refuse(std::string_view word, std::string_view wanted) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("fault plan: \"{}\", wanted {}", word, wanted));
}

// A number at the start of the text; the rest is left in `text`.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value) || value < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

Result<std::chrono::milliseconds> parse_time(std::string_view word, std::string_view text) {
  const auto number = take_number(text);
  const double unit = text == "ms" ? 1 : text == "s" ? 1e3 : text == "m" ? 6e4 : 0;
  if (!number || unit == 0 || *number * unit > static_cast<double>(kFaultTimeMax.count())) {
    return refuse(word, "a time such as 200ms, 1.5s or 10m, at most 1440m");
  }
  return std::chrono::milliseconds(std::llround(*number * unit));
}

Result<double> parse_chance(std::string_view word, std::string_view text) {
  const auto number = take_number(text);
  if (!number || !text.empty() || *number > 1) return refuse(word, "a chance from 0 to 1");
  return *number;
}

Result<void> read_word(std::string_view word, FaultPlan& plan, std::set<std::string_view>& seen) {
  const auto equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const bool bare = equals == std::string_view::npos;
  const std::string_view value = bare ? std::string_view() : word.substr(equals + 1);
  if (!seen.insert(name).second) return refuse(word, "each word once");
  if (name == "latency") {
    CALX_ASSIGN(time, parse_time(word, value));
    plan.latency = time;
    return {};
  }
  if (name == "overheat") {
    CALX_ASSIGN(time, parse_time(word, bare ? "60s" : value));
    plan.overheat_after = time;
    return {};
  }
  for (std::size_t i = 1; i < kFaultCount; ++i) {
    if (kNames[i] != name) continue;
    CALX_ASSIGN(chance, parse_chance(word, bare ? "1" : value));
    plan.chance[i] = chance;
    return {};
  }
  return refuse(word, fmt::format("latency, overheat or one of: {}",
                                  fmt::join(kNames.begin() + 1, kNames.end(), " ")));
}

}  // namespace

std::string_view to_string(Fault fault) noexcept { return kNames[static_cast<std::size_t>(fault)]; }

Result<FaultPlan> FaultPlan::parse(std::string_view text) {
  FaultPlan plan;
  std::set<std::string_view> seen;
  while (!text.empty()) {
    const auto comma = text.find(',');
    CALX_TRY(read_word(text.substr(0, comma), plan, seen));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
    if (text.empty()) return refuse("", "a word after the last comma");
  }
  double sum = 0;
  for (const double chance : plan.chance) sum += chance;
  if (sum > 1 + 1e-12) return refuse(text, "chances of at most 1 together");
  return plan;
}

std::string FaultPlan::to_string() const {
  std::string text;
  const auto add = [&](const std::string& word) { text += (text.empty() ? "" : ",") + word; };
  if (latency.count() > 0) add(fmt::format("latency={}ms", latency.count()));
  for (std::size_t i = 1; i < kFaultCount; ++i) {
    if (chance[i] > 0) add(fmt::format("{}={}", kNames[i], chance[i]));
  }
  if (overheat_after) add(fmt::format("overheat={}ms", overheat_after->count()));
  return text;
}

Fault FaultPlan::draw(Draws& draws) const {
  double left = draws.uniform();
  for (std::size_t i = 1; i < kFaultCount; ++i) {
    if (left < chance[i]) return static_cast<Fault>(i);
    left -= chance[i];
  }
  return Fault::kNone;
}

}  // namespace calx::emulate
