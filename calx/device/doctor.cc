#include "calx/device/doctor.h"

#include <fmt/format.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "calx/device/cron_table.h"

namespace calx::device {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kModule = "bitmain_asic";
constexpr std::size_t kModulesMax = 10'000;

}  // namespace

std::string_view to_string(FindingKind kind) noexcept {
  switch (kind) {
    case FindingKind::kNoDevice:
      return "no-device";
    case FindingKind::kHolder:
      return "holder";
    case FindingKind::kRestarter:
      return "restarter";
    case FindingKind::kMiner:
      return "miner";
    case FindingKind::kWedged:
      return "wedged";
    case FindingKind::kFree:
      return "free";
  }
  return "free";
}

std::optional<int> bitmain_module_owners(const fs::path& root) {
  std::ifstream in(root / "proc/modules");
  std::string line;
  for (std::size_t i = 0; i < kModulesMax && std::getline(in, line); ++i) {
    std::istringstream words(line);
    std::string name;
    long size = 0;
    int owners = 0;
    if (words >> name >> size >> owners && name == kModule) return owners;
  }
  return std::nullopt;
}

std::vector<Finding> examine_bitmain(const BitmainPlace& place) {
  std::vector<Finding> findings;
  std::error_code error;
  const std::string& device = place.device;
  const bool node = fs::exists(place.root / fs::path(device).relative_path(), error);
  const auto owners = bitmain_module_owners(place.root);
  if (!node || !owners) {
    findings.push_back(
        {FindingKind::kNoDevice,
         fmt::format("{} {}; module {} is {}", device, node ? "is there" : "is missing", kModule,
                     owners ? "loaded" : "not in /proc/modules"),
         "run this on the miner itself; load the module with modprobe bitmain_asic, or point the "
         "miner's own cgminer at calx device bridge instead"});
  }
  for (const CronLine& line : find_miner_lines(place.root)) {
    findings.push_back({FindingKind::kRestarter, fmt::format("{}: {}", line.table, line.text),
                        "comment the line out first, or the miner is back within minutes "
                        "(--remedy cron)"});
  }
  bool held = false;
  for (const MinerProcess& process : find_miner_processes(place)) {
    if (process.holds) {
      held = true;
      findings.push_back({FindingKind::kHolder,
                          fmt::format("/proc/{}/fd: {} (process {}) has {} open", process.pid,
                                      process.name, process.pid, device),
                          "stop it and wait until it has ended (--remedy stop-holder); only one "
                          "owner at a time is allowed"});
    } else {
      findings.push_back(
          {FindingKind::kMiner,
           fmt::format("/proc/{}/comm: {} (process {}) runs", process.pid, process.name,
                       process.pid),
           "stop it before the device is opened, or leave it and point it at calx device bridge, "
           "which needs no device at all"});
    }
  }
  if (owners && *owners > 0 && !held) {
    findings.push_back(
        {FindingKind::kWedged,
         fmt::format("/proc/modules: {} counts {} owners, and no process has {} open", kModule,
                     *owners, device),
         "a failed open or a bare open and close left the driver's bit set: reload the module "
         "(rmmod bitmain_asic, modprobe bitmain_asic: --remedy reload-module) or restart the "
         "miner"});
  }
  if (findings.empty()) {
    findings.push_back({FindingKind::kFree,
                        fmt::format("{} is there and nobody has it open", device),
                        "open it once and keep it open; never probe it by open and close. If it is "
                        "busy all the same, the driver's own bit is set, which no file shows: "
                        "--remedy reload-module"});
  }
  return findings;
}

}  // namespace calx::device
