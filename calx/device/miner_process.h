// Processes that have an Antminer's device open, or are miners: from /proc alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/result.h"

namespace calx::device {

/// Where to look: another root for tests and for mounted images, another device for other drivers.
struct BitmainPlace {
  std::filesystem::path root = "/";
  std::string device = "/dev/bitmain-asic";

  friend bool operator==(const BitmainPlace&, const BitmainPlace&) = default;
};

struct MinerProcess {
  int pid = 0;
  std::string name = {};                    // comm
  std::vector<std::string> arguments = {};  // cmdline; empty when it may not be read
  std::uint64_t started = 0;  // clock ticks after boot: tells it from a later one of that number
  bool holds = false;         // has the device open

  friend bool operator==(const MinerProcess&, const MinerProcess&) = default;
};

/// Processes that hold the device or are cgminer, bmminer, bfgminer or their monitor, in the order
/// of their numbers. What cannot be read is passed over: only root sees every process.
std::vector<MinerProcess> find_miner_processes(const BitmainPlace& place);

/// Whether this very process, not a later one of its number, still has the device open.
bool still_holds(const BitmainPlace& place, const MinerProcess& process);

}  // namespace calx::device
