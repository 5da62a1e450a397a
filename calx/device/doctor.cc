#include "calx/device/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

namespace calx::device {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDevice = "/dev/bitmain-asic";
constexpr std::string_view kModule = "bitmain_asic";
constexpr std::string_view kMiners[] = {"cgminer", "bmminer", "cgminer-monitor", "bfgminer"};
constexpr std::size_t kLinesMax = 10'000, kEntriesMax = 100'000;

std::vector<std::string> lines_of(const fs::path& path) {
  std::vector<std::string> lines;
  std::ifstream in(path);
  for (std::string line; lines.size() < kLinesMax && std::getline(in, line);) {
    lines.push_back(std::move(line));
  }
  return lines;
}

// The entries of a folder in the order of their names; none if it cannot be read.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (entries.size() == kEntriesMax) break;
    entries.push_back(it->path());
  }
  std::ranges::sort(entries);
  return entries;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

struct Process {
  std::string pid = {}, name = {};
  bool holds = false;
};

std::vector<Process> processes(const fs::path& root) {
  std::vector<Process> found;
  for (const fs::path& folder : entries_of(root / "proc")) {
    Process process{.pid = folder.filename().string()};
    if (!is_number(process.pid)) continue;
    const auto name = lines_of(folder / "comm");
    if (!name.empty()) process.name = name.front();
    for (const fs::path& descriptor : entries_of(folder / "fd")) {
      std::error_code error;
      if (fs::read_symlink(descriptor, error) == kDevice && !error) process.holds = true;
    }
    found.push_back(std::move(process));
  }
  return found;
}

bool is_miner(const std::string& name) {
  return std::ranges::find(kMiners, name) != std::end(kMiners);
}

// Lines of cron tables that start a miner, as "file: line".
std::vector<std::string> cron_lines(const fs::path& root) {
  std::vector<fs::path> tables = {root / "etc/crontab"};
  for (const char* folder :
       {"etc/cron.d", "var/spool/cron/crontabs", "var/spool/cron", "etc/crontabs"}) {
    for (const fs::path& entry : entries_of(root / folder)) tables.push_back(entry);
  }
  std::vector<std::string> found;
  for (const fs::path& table : tables) {
    std::error_code error;
    if (!fs::is_regular_file(table, error)) continue;
    for (const std::string& line : lines_of(table)) {
      const std::size_t first = line.find_first_not_of(" \t");
      if (first == std::string::npos || line[first] == '#') continue;
      if (line.find("cgminer") == std::string::npos && line.find("bmminer") == std::string::npos) {
        continue;
      }
      found.push_back(fmt::format("/{}: {}", fs::relative(table, root, error).string(), line));
    }
  }
  return found;
}

// The owners that the module counts; nothing when it is not loaded.
std::optional<int> module_owners(const fs::path& root) {
  for (const std::string& line : lines_of(root / "proc/modules")) {
    std::istringstream words(line);
    std::string name;
    long size = 0;
    int owners = 0;
    if (words >> name >> size >> owners && name == kModule) return owners;
  }
  return std::nullopt;
}

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

std::vector<Finding> examine_bitmain(const fs::path& root) {
  std::vector<Finding> findings;
  std::error_code error;
  const bool node = fs::exists(root / kDevice.substr(1), error);
  const auto owners = module_owners(root);
  if (!node || !owners) {
    findings.push_back(
        {FindingKind::kNoDevice,
         fmt::format("{} {}; module {} is {}", kDevice, node ? "is there" : "is missing", kModule,
                     owners ? "loaded" : "not in /proc/modules"),
         "run this on the miner itself; load the module with modprobe bitmain_asic, or point the "
         "miner's own cgminer at calx device bridge instead"});
  }
  for (const std::string& line : cron_lines(root)) {
    findings.push_back({FindingKind::kRestarter, line,
                        "comment the line out first, or the miner is back within minutes"});
  }
  bool held = false;
  for (const Process& process : processes(root)) {
    if (process.holds) {
      held = true;
      findings.push_back(
          {FindingKind::kHolder,
           fmt::format("/proc/{}/fd: {} (process {}) has {} open", process.pid, process.name,
                       process.pid, kDevice),
           "stop it and wait until it has ended; only one owner at a time is allowed"});
    } else if (is_miner(process.name)) {
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
                     *owners, kDevice),
         "a failed open or a bare open and close left the driver's bit set: reload the module "
         "(rmmod bitmain_asic, modprobe bitmain_asic) or restart the miner"});
  }
  if (findings.empty()) {
    findings.push_back({FindingKind::kFree,
                        fmt::format("{} is there and nobody has it open", kDevice),
                        "open it once and keep it open; never probe it by open and close"});
  }
  return findings;
}

}  // namespace calx::device
