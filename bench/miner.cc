#include "bench/miner.h"

#include <fmt/format.h>

#include <charconv>

#include "bench/cases.h"
#include "bench/child.h"

namespace calx::bench {
namespace {

constexpr std::uint64_t kScanRounds = 1ull << 25;  // about a second, as their figure is a mean
constexpr double kMinerdBar = 2.2, kCpuminerOptBar = 1.3;

// "18.35 MH/s ..." or "5719 khash/s": the number times its prefix.
Result<double> parse_rate(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return fail(ErrorCode::kUnavailable, "no number before the hash rate");
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  while (text.starts_with(' ')) text.remove_prefix(1);
  double factor = 1;
  switch (text.empty() ? ' ' : text.front()) {
    case 'k':
      factor = 1e3;
      break;
    case 'M':
      factor = 1e6;
      break;
    case 'G':
      factor = 1e9;
      break;
    default:
      break;
  }
  if (factor != 1) text.remove_prefix(1);
  if (!text.starts_with("H/s") && !text.starts_with("hash/s"))
    return fail(ErrorCode::kUnavailable, "no unit H/s or hash/s behind the hash rate");
  return value * factor;
}

Result<Spent> time_of_hash(const std::filesystem::path& path, bool has_time_limit, int seconds) {
  std::vector<std::string> argv = {path.string(), "--benchmark", "-a", "sha256d", "-t", "1"};
  if (has_time_limit) argv.push_back("--time-limit=" + std::to_string(seconds));
  const int grace = has_time_limit ? 10 : 0;
  CALX_ASSIGN(run, run_process(argv, std::chrono::seconds(seconds + grace)));
  const auto rate = parse_hash_rate(run.output);
  if (!rate) return fail(rate.error().code, path.string() + ": " + rate.error().message);
  return Spent{.wall_seconds = 1 / *rate, .cpu_seconds = run.cpu_seconds / run.seconds / *rate};
}

}  // namespace

Result<double> parse_hash_rate(std::string_view output) {
  for (const std::string_view label : {"Benchmark: ", "Total: "})
    if (const auto found = output.rfind(label); found != std::string_view::npos)
      return parse_rate(output.substr(found + label.size()));
  return fail(ErrorCode::kUnavailable, "its output has no line \"Benchmark:\" or \"Total:\"");
}

bool is_miner(std::string_view name) noexcept { return name == "minerd" || name == "cpuminer-opt"; }

Case miner_case(std::string_view name, const std::filesystem::path& path, int seconds) {
  const bool is_opt = name == "cpuminer-opt";
  Case work = header_scan_case();
  work.name = fmt::format("hash/scan/{}", name);
  work.rival.name = fmt::format("{} --benchmark -a sha256d -t 1", name);
  work.clock = Clock::kCore;
  work.ours.fixed_rounds = kScanRounds;
  // Its own clock gives the rate; one round is one hash at that rate.
  work.rival.run = [=](std::uint64_t, std::uint64_t) {
    return time_of_hash(path, is_opt, seconds);
  };
  work.rival.fixed_rounds = 1;
  work.bar = is_opt ? kCpuminerOptBar : kMinerdBar;
  work.pairs_max = 5;
  return work;
}

}  // namespace calx::bench
