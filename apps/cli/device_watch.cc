// calx device watch and resume: miners looked at while they work.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/cli/device.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/terminal_text.h"
#include "calx/device/miner_watch.h"

namespace calx::cli {
namespace {

using Report = nlohmann::ordered_json;
using device::WatchReport;
using std::chrono::milliseconds;

struct WatchArguments {
  std::vector<std::string> addresses;
  std::string api = "any";
  double every_seconds = 5, seconds = 0, silence_seconds = 600;
  device::WatchOptions options;
};

milliseconds of_seconds(double seconds) {
  return milliseconds(static_cast<std::int64_t>(seconds * 1e3));
}

void print_line(const WatchReport& report) {
  const auto show = [](const std::optional<double>& value, const char* unit) {
    return value ? fmt::format("{:.4g} {}", *value, unit) : fmt::format("- {}", unit);
  };
  fmt::print("{:<22}", report.name);
  if (const auto& seen = report.telemetry) {
    fmt::print(" {:>14} {:>10}", show(report.ghs_median, "GH/s"), show(seen->celsius, "C"));
    if (seen->error_percent) fmt::print(" {:>9}", show(seen->error_percent, "% err"));
    if (report.share_age) fmt::print("  last share {} s ago", report.share_age->count() / 1000);
    if (seen->paused) fmt::print("  paused");
  }
  for (const auto& [concern, why] : report.concerns) {
    fmt::print("  {}: {}", to_string(concern), terminal_text(why));
  }
  if (!report.action.empty()) fmt::print("  -> {}", terminal_text(report.action));
  fmt::print("\n");
}

void print_json(const WatchReport& report) {
  Report row{{"miner", report.name}};
  const auto add = [&row](const char* name, const std::optional<double>& value) {
    if (value) row[name] = *value;
  };
  add("hash_rate_ghs_median", report.ghs_median);
  if (const auto& seen = report.telemetry) {
    row["kind"] = to_string(seen->api);
    add("hash_rate_ghs", seen->ghs);
    add("celsius", seen->celsius);
    add("regulator_celsius", seen->regulator_celsius);
    add("error_percent", seen->error_percent);
    add("accepted", seen->accepted);
    add("rejected", seen->rejected);
    row["paused"] = seen->paused;
  }
  if (report.share_age) row["share_age_ms"] = report.share_age->count();
  row["concerns"] = Report::array();
  for (const auto& [concern, why] : report.concerns) {
    row["concerns"].push_back({{"kind", to_string(concern)}, {"why", why}});
  }
  if (!report.action.empty()) row["action"] = report.action;
  row["source"] = "reported by device";
  fmt::print("{}\n", row.dump(-1, ' ', false, Report::error_handler_t::replace));
}

Result<int> watch(const WatchArguments& arguments, bool json) {
  std::vector<device::WatchedMiner> miners;
  for (const std::string& text : arguments.addresses) {
    device::WatchedMiner miner{.name = text};
    if (arguments.api != "any") {
      CALX_ASSIGN(api, device::parse_miner_api(arguments.api));
      miner.api = api;
    }
    // Without a port, each interface is asked at its own.
    CALX_ASSIGN(address,
                device::parse_lan_address(
                    text, miner.api ? device::default_port(*miner.api) : device::kEachOwnPort));
    miner.address = address;
    miners.push_back(std::move(miner));
  }
  device::WatchOptions options = arguments.options;
  options.every = of_seconds(arguments.every_seconds);
  options.limits.silence_max = of_seconds(arguments.silence_seconds);
  auto deadline = std::chrono::steady_clock::time_point::max();
  if (arguments.seconds > 0) {
    deadline = std::chrono::steady_clock::now() + of_seconds(arguments.seconds);
  }
  bool passed = false, paused = false;
  const Interrupt interrupt;
  CALX_TRY(device::watch_miners(
      std::move(miners), options,
      [&](const WatchReport& report) {
        passed = passed || !report.concerns.empty();
        paused = paused || report.action == device::kAskedToPause;
        json ? print_json(report) : print_line(report);
        std::fflush(stdout);
      },
      interrupt.token(), deadline));
  if (paused) fmt::print(stderr, "paused miners stay so until: calx device resume ADDRESS\n");
  return passed ? kCheckFailed : kDone;
}

Result<int> resume(const std::string& text) {
  CALX_ASSIGN(address, device::parse_lan_address(text, device::kAxeosPort));
  CALX_TRY(device::resume_axeos(address));
  fmt::print("{} was asked to mine again\n", address.to_string());
  return kDone;
}

}  // namespace

void add_device_watch(CLI::App& device, Session& session) {
  auto* verb = device.add_subcommand("watch", "heat, errors and silence of miners that work");
  auto a = std::make_shared<WatchArguments>();
  auto& limits = a->options.limits;
  verb->add_option("addresses", a->addresses, "IP or IP:PORT, on this machine or the local network")
      ->required();
  verb->add_option("--api", a->api, "how they are spoken to")
      ->check(CLI::IsMember({"any", "axeos", "cgminer"}))
      ->capture_default_str();
  verb->add_option("--every", a->every_seconds, "seconds between two looks at one miner")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  verb->add_option("--for", a->seconds, "seconds to run; without it until interrupted")
      ->check(CLI::Range(0.0, 1e9));
  verb->add_option("--celsius-max", limits.heat.celsius_max, "of the chip")
      ->check(CLI::Range(1.0, 150.0))
      ->capture_default_str();
  verb->add_option("--regulator-max", limits.heat.regulator_celsius_max, "C of the regulator")
      ->check(CLI::Range(1.0, 200.0))
      ->capture_default_str();
  verb->add_option("--error-max", limits.error_percent_max, "percent of wrong returns of the chip")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  verb->add_option("--silence", a->silence_seconds,
                   "seconds without an accepted share where the miner does not say its difficulty; "
                   "else 20 mean waits, at least 120 s")
      ->check(CLI::Range(1.0, 1e7))
      ->capture_default_str();
  verb->add_flag("--pause-when-hot", a->options.pause_when_hot,
                 "ask a miner that is too hot to pause (AxeOS that can)");
  verb->callback(
      [a, &session] { session.action = [a, &session] { return watch(*a, session.json); }; });
  verb->footer(
      "The rate is the median of the last five looks. Frequency and voltage are never touched, "
      "and\n"
      "nothing is written without --pause-when-hot. Every figure is reported by the device.\n"
      "Exit status 1: a limit was passed, or a miner did not answer.");

  auto* again = device.add_subcommand("resume", "let a paused AxeOS miner mine again");
  auto address = std::make_shared<std::string>();
  again->add_option("address", *address, "IP or IP:PORT")->required();
  again->callback([address, &session] { session.action = [address] { return resume(*address); }; });
}

}  // namespace calx::cli
