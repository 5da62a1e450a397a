// Why an Antminer's /dev/bitmain-asic says "device or resource busy". Looks, and touches nothing:
// opening the device to see would itself be able to wedge it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "calx/base/result.h"

namespace calx::device {

enum class FindingKind : std::uint8_t {
  kNoDevice,   // no device node, or no module behind it
  kHolder,     // a process has it open
  kRestarter,  // something starts such a process again
  kMiner,      // a miner runs, though it does not have the device open
  kWedged,     // the module counts an owner, and nobody has it open
  kFree,       // nothing stands in the way
};
/// "no-device", "holder", "restarter", "miner", "wedged" or "free".
std::string_view to_string(FindingKind kind) noexcept;

struct Finding {
  FindingKind kind = FindingKind::kFree;
  std::string seen;    // with the file that says so
  std::string remedy;  // what a person can do; never done here
};

/// Looks at proc, dev and the cron tables under `root`, in the order in which remedies help.
/// What cannot be read is passed over: run as root to see every process. Never empty.
std::vector<Finding> examine_bitmain(const std::filesystem::path& root = "/");

}  // namespace calx::device
