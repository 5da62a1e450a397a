#include "bench/machine.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
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

constexpr const char* kAutogroup = "/proc/self/autogroup";
char nice_before[8] = "0";  // a signal handler reads it

bool write_autogroup(const char* value, std::size_t length) noexcept {
  const int file = open(kAutogroup, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool written = write(file, value, length) == static_cast<ssize_t>(length);
  close(file);
  return written;
}

void put_back_and_exit(int) noexcept {
  write_autogroup(nice_before, std::strlen(nice_before));
  _exit(130);
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

RaisedAutogroup::RaisedAutogroup() {
  std::ifstream before(kAutogroup);
  std::string path, nice, value;
  if (geteuid() != 0 || !(before >> path >> nice >> value) || value.size() >= sizeof nice_before)
    return;
  std::copy(value.begin(), value.end(), nice_before);
  raised_ = write_autogroup("-20", 3);
  std::signal(SIGINT, put_back_and_exit);
  std::signal(SIGTERM, put_back_and_exit);
}

RaisedAutogroup::~RaisedAutogroup() {
  if (!raised_) return;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  write_autogroup(nice_before, std::strlen(nice_before));
}

}  // namespace calx::bench
