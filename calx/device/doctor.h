// Why an Antminer's /dev/bitmain-asic says "device or resource busy". Looks, and touches nothing:
// opening the device to see would itself be able to wedge it. What can be done about it, on its
// owner's word, is in doctor_remedy.h.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/device/miner_process.h"

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
  std::string remedy;  // what a person can do, or let calx device doctor --remedy do
};

/// Looks at proc, dev and the cron tables under the root, in the order in which remedies help.
/// What cannot be read is passed over: run as root to see every process. Never empty.
std::vector<Finding> examine_bitmain(const BitmainPlace& place = {});

/// The owners that the module bitmain_asic counts; nothing when it is not loaded.
std::optional<int> bitmain_module_owners(const std::filesystem::path& root);

}  // namespace calx::device
