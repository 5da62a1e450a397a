#include "calx/device/miner_process.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

namespace calx::device {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMiners[] = {"cgminer", "bmminer", "cgminer-monitor", "bfgminer"};
constexpr std::size_t kEntriesMax = 100'000, kTextBytesMax = 16 * 1024;

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kTextBytesMax, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(in.gcount(), 0)));
  return text;
}

bool has_open(const fs::path& folder, const std::string& device) {
  std::error_code error;
  std::size_t seen = 0;
  for (fs::directory_iterator it(folder / "fd", error), end; !error && it != end;
       it.increment(error)) {
    if (++seen > kEntriesMax) break;
    std::error_code unreadable;
    if (fs::read_symlink(it->path(), unreadable) == device && !unreadable) return true;
  }
  return false;
}

// Field 22 of stat; the name in field 2 may hold blanks and brackets of its own.
std::uint64_t start_of(const fs::path& folder) {
  const std::string text = text_of(folder / "stat");
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream words(text.substr(name_end + 1));
  constexpr int kBefore = 19;  // fields 3 to 21
  std::string word;
  for (int i = 0; i < kBefore; ++i) words >> word;
  std::uint64_t started = 0;
  words >> started;
  return words ? started : 0;
}

std::vector<std::string> arguments_of(const fs::path& folder) {
  std::vector<std::string> arguments;
  std::istringstream in(text_of(folder / "cmdline"));
  for (std::string argument; std::getline(in, argument, '\0');) {
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

}  // namespace

std::vector<MinerProcess> find_miner_processes(const BitmainPlace& place) {
  std::vector<MinerProcess> found;
  std::error_code error;
  std::size_t seen = 0;
  for (fs::directory_iterator it(place.root / "proc", error), end; !error && it != end;
       it.increment(error)) {
    if (++seen > kEntriesMax) break;
    const std::string digits = it->path().filename().string();
    MinerProcess process;
    const auto [last, wrong] =
        std::from_chars(digits.data(), digits.data() + digits.size(), process.pid);
    if (wrong != std::errc() || last != digits.data() + digits.size()) continue;
    std::istringstream comm(text_of(it->path() / "comm"));
    std::getline(comm, process.name);
    process.holds = has_open(it->path(), place.device);
    const bool miner = std::ranges::find(kMiners, process.name) != std::end(kMiners);
    if (!process.holds && !miner) continue;
    process.started = start_of(it->path());
    process.arguments = arguments_of(it->path());
    found.push_back(std::move(process));
  }
  std::ranges::sort(found, {}, &MinerProcess::pid);
  return found;
}

bool still_holds(const BitmainPlace& place, const MinerProcess& process) {
  const fs::path folder = place.root / "proc" / std::to_string(process.pid);
  return start_of(folder) == process.started && has_open(folder, place.device);
}

}  // namespace calx::device
