#include "bench/machine.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

namespace calx::bench {
namespace {

// The value of the first "key : value" line of /proc/cpuinfo with one of these keys.
std::string cpuinfo(std::initializer_list<std::string_view> keys) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
    for (const auto wanted : keys)
      if (key == wanted) return colon + 2 <= line.size() ? line.substr(colon + 2) : "";
  }
  return "unknown";
}

bool has_word(const std::string& words, std::string_view wanted) {
  std::istringstream stream(words);
  for (std::string word; stream >> word;)
    if (word == wanted) return true;
  return false;
}

}  // namespace

Machine this_machine() {
  Machine machine;
  machine.cpu = cpuinfo({"model name", "Hardware"});
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    machine.cores = static_cast<unsigned>(CPU_COUNT(&set));

  const std::string flags = cpuinfo({"flags", "Features"});
  for (const auto* name : {"sha_ni", "avx2", "avx512f", "avx512vbmi2", "sha2"})
    if (has_word(flags, name))
      machine.features += (machine.features.empty() ? "" : " ") + std::string(name);
  machine.sha_ni = has_word(flags, "sha_ni");

  utsname names{};
  machine.system = uname(&names) == 0
                       ? fmt::format("{} {} {}", names.sysname, names.release, names.machine)
                       : "unknown";
#if defined(__clang__)
  machine.compiler = "clang " __clang_version__;
#else
  machine.compiler = "g++ " __VERSION__;
#endif
  std::ifstream load("/proc/loadavg");
  if (!(load >> machine.load)) machine.load = "unknown";
  machine.date = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  return machine;
}

bool raise_autogroup() {
  if (geteuid() != 0) return false;
  std::ofstream file("/proc/self/autogroup");
  file << "-20" << std::flush;
  return file.good();
}

}  // namespace calx::bench
