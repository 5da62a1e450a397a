// calx device list: what mines here and at the addresses that the user names.
#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/device.h"
#include "apps/cli/interrupt.h"
#include "apps/cli/terminal_text.h"
#include "calx/base/origin.h"
#include "calx/device/antminer_report.h"
#include "calx/device/discovery.h"
#include "calx/device/local_devices.h"
#include "calx/device/mdns_browser.h"
#include "calx/hash/kernel.h"

namespace calx::cli {
namespace {

using Report = nlohmann::ordered_json;
using std::chrono::milliseconds;

constexpr const char* kReported = "reported by device";
constexpr const char* kHowToName =
    "No network was searched: name addresses, as in\n"
    "  calx device list 192.168.1.0/24      or --mdns for what announces itself\n";
constexpr std::size_t kReasonsShown = 4;  // targets of which it is said why they are no miners

struct ListArguments {
  std::vector<std::string> ranges;
  std::string responder, root = "/";
  bool mdns = false, antminer_report = false, beyond_lan = false;
  double seconds = 60, listen_seconds = 4;
  device::SearchLimits limits;
};

struct Found {
  std::vector<device::LocalDevice> local = {};
  std::vector<device::MdnsService> announced = {};
  std::vector<device::AntminerReport> reports = {};
  device::SearchReport search = {};
  std::size_t targets = 0;
};

milliseconds of_seconds(double seconds) {
  return milliseconds(static_cast<std::int64_t>(seconds * 1e3));
}

Result<Found> search(const ListArguments& arguments) {
  const auto reach = arguments.beyond_lan ? device::Reach::kAnyone : device::Reach::kLan;
  CALX_ASSIGN(targets, device::expand_ranges(arguments.ranges, reach));
  Found found{.local = device::find_local_devices(arguments.root)};
  const Interrupt interrupt;
  const auto listen = of_seconds(arguments.listen_seconds);
  if (arguments.mdns || !arguments.responder.empty()) {
    device::MdnsOptions options{.wait = listen};
    if (!arguments.responder.empty()) {
      constexpr std::uint16_t kMdnsPort = 5353;
      CALX_ASSIGN(responder, device::parse_lan_address(arguments.responder, kMdnsPort));
      options.responder = responder;
    }
    CALX_ASSIGN(announced, device::browse_mdns(options, interrupt.token()));
    for (const device::MdnsService& service : announced) {
      targets.push_back({.ip = service.address.ip, .port = service.address.port});
    }
    found.announced = std::move(announced);
  }
  if (arguments.antminer_report) {
    fmt::print(stderr, "listening for {} s on UDP {}: press the IP report button\n",
               arguments.listen_seconds, device::kAntminerReportPort);
    CALX_ASSIGN(reports, device::listen_antminer_reports({"0.0.0.0", device::kAntminerReportPort},
                                                         listen, interrupt.token()));
    for (const auto& report : reports) targets.push_back({.ip = report.ip});
    found.reports = std::move(reports);
  }
  if (targets.size() > device::kSearchAddressesMax) targets.resize(device::kSearchAddressesMax);
  device::SearchLimits limits = arguments.limits;
  limits.whole = of_seconds(arguments.seconds);
  CALX_ASSIGN(report, device::search_miners(targets, limits, interrupt.token()));
  found.search = std::move(report);
  found.targets = targets.size();
  return found;
}

void add(Report& row, const char* name, const std::optional<double>& value) {
  if (value) row[name] = *value;
}
void add(Report& row, const char* name, const std::string& value) {
  if (!value.empty()) row[name] = value;
}

Report to_json(const device::FoundMiner& miner) {
  const device::Telemetry& seen = miner.telemetry;
  Report row{{"address", miner.address.to_string()}, {"kind", to_string(seen.api)}};
  add(row, "model", seen.model);
  add(row, "firmware", seen.firmware);
  add(row, "host", seen.host);
  add(row, "hash_rate_ghs", seen.ghs);
  add(row, "celsius", seen.celsius);
  add(row, "watts", seen.watts);
  add(row, "pool", seen.pool);
  row["source"] = kReported;
  return row;
}

void print_json(const Found& found) {
  Report document{{"local", Report::array()},
                  {"software",
                   {{"kernel", hash::active_kernel(hash::Operation::kScan).name},
                    {"origin", to_string(Origin::kSoftware)}}},
                  {"miners", Report::array()},
                  {"announced", Report::array()},
                  {"antminer_reports", Report::array()},
                  {"addresses", found.targets},
                  {"unasked", found.search.unasked}};
  for (const auto& local : found.local) {
    document["local"].push_back({{"path", local.path}, {"kind", local.kind}, {"what", local.what}});
  }
  for (const auto& miner : found.search.miners) document["miners"].push_back(to_json(miner));
  for (const auto& service : found.announced) {
    Report row{{"instance", service.instance},
               {"host", service.host},
               {"address", service.address.to_string()}};
    for (const auto& [name, value] : service.texts) row["texts"][name] = value;
    document["announced"].push_back(row);
  }
  for (const auto& report : found.reports) {
    document["antminer_reports"].push_back({{"ip", report.ip}, {"mac", report.mac}});
  }
  fmt::print("{}\n", document.dump(2, ' ', false, Report::error_handler_t::replace));
}

std::string show(const std::optional<double>& value) {
  return value ? fmt::format("{:.4g}", *value) : "-";
}

void print_local(const Found& found) {
  for (const auto& local : found.local) fmt::print("{:<22} {}\n", local.path, local.what);
  fmt::print("{:<22} kernel {}, origin {}\n", "this machine",
             hash::active_kernel(hash::Operation::kScan).name, to_string(Origin::kSoftware));
}

void print_miners(const Found& found) {
  const auto& search = found.search;
  if (!search.miners.empty()) {
    fmt::print("\n{:<22} {:<8} {:<20} {:<16} {:>8} {:>6}  {}\n", "address", "kind", "model",
               "firmware", "GH/s", "C", "pool");
  }
  for (const auto& [address, seen] : search.miners) {
    fmt::print("{:<22} {:<8} {:<20} {:<16} {:>8} {:>6}  {}\n", address.to_string(),
               to_string(seen.api), terminal_text(seen.model), terminal_text(seen.firmware),
               show(seen.ghs), show(seen.celsius), terminal_text(seen.pool));
  }
  if (!search.miners.empty()) fmt::print("every figure {}\n", kReported);
  for (const auto& service : found.announced) {
    fmt::print("announced: {} at {}\n", terminal_text(service.instance),
               service.address.to_string());
  }
  for (const auto& report : found.reports) fmt::print("IP report: {} {}\n", report.ip, report.mac);
  if (found.targets == 0) return;
  fmt::print("{} of {} addresses answered as miners\n", search.miners.size(), found.targets);
  if (search.silent.size() <= kReasonsShown) {
    for (const std::string& reason : search.silent) {
      fmt::print(stderr, "no miner: {}\n", terminal_text(reason));
    }
  }
}

Result<int> list(const ListArguments& arguments, bool json) {
  CALX_ASSIGN(found, search(arguments));
  if (json) {
    print_json(found);
  } else {
    print_local(found);
    print_miners(found);
    const bool asked = !arguments.ranges.empty() || arguments.mdns ||
                       !arguments.responder.empty() || arguments.antminer_report;
    if (!asked) fmt::print("\n{}", kHowToName);
  }
  if (found.search.unasked == 0) return kDone;
  fmt::print(stderr, "{} of {} addresses were not asked: the time was over (--timeout)\n",
             found.search.unasked, found.targets);
  return kNotChecked;
}

}  // namespace

void add_device_list(CLI::App& device, Session& session) {
  auto* verb = device.add_subcommand("list", "miners here, and at addresses that you name");
  auto a = std::make_shared<ListArguments>();
  verb->add_option("addresses", a->ranges,
                   "192.168.1.20, 192.168.1.10-40 or 192.168.1.0/24, perhaps with :PORT; at most "
                   "1024 together, on this machine or in private networks");
  verb->add_flag("--mdns", a->mdns, "ask the local network who announces an AxeOS");
  verb->add_option("--mdns-at", a->responder,
                   "ask this mDNS responder alone (IP or IP:PORT), where multicast does not reach");
  verb->add_flag("--antminer-report", a->antminer_report,
                 "listen for the IP report button of Antminers (UDP 14235)");
  verb->add_option("--listen", a->listen_seconds, "seconds for either of these")
      ->check(CLI::Range(0.1, 600.0))
      ->capture_default_str();
  verb->add_option("--timeout", a->seconds, "seconds for asking all addresses")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  verb->add_option("--rate", a->limits.connects_per_second, "connections a second, at most")
      ->check(CLI::Range(1U, device::kConnectsPerSecondMax))
      ->capture_default_str();
  verb->add_flag("--beyond-lan", a->beyond_lan,
                 "ask single addresses outside private networks, too: only ones that are yours");
  verb->add_option("--root", a->root, "look for local devices below this folder")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  verb->callback(
      [a, &session] { session.action = [a, &session] { return list(*a, session.json); }; });
  verb->footer(
      "Without addresses it looks only at this machine's own files and opens no device.\n"
      "Miners are asked for AxeOS (port 80), then for cgminer (port 4028); nothing is written.\n"
      "Exit status 3: the time was over before all were asked.");
}

}  // namespace calx::cli
