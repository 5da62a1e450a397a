// Pointing a miner at our bridge, and back: every change is planned, shown, saved and undone.
//
// AxeOS: the bridge becomes the primary pool, the old primary the fallback. cgminer: the bridge is
// added and switched to; the old pools stay behind it by themselves.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "calx/device/axeos.h"
#include "calx/device/axeos_client.h"
#include "calx/device/cgminer_api.h"
#include "calx/device/lan_address.h"
#include "calx/device/telemetry.h"

namespace calx::device {

inline constexpr std::uint64_t kRedirectFileBytesMax = 64 * 1024;

/// What is there and what shall be: enough to undo it.
struct RedirectPlan {
  MinerApi api = MinerApi::kAxeos;
  LanAddress device = {};
  AxeosPool bridge = {};                   // the new pool
  std::optional<AxeosPool> primary = {};   // AxeOS: as it was
  std::optional<AxeosPool> fallback = {};  // AxeOS: as it was
  std::optional<int> active_pool = {};     // cgminer: as it was

  friend bool operator==(const RedirectPlan&, const RedirectPlan&) = default;
};

/// Reads the device and writes nothing. Errors: kUnavailable for a device that says no pool.
Result<RedirectPlan> plan_redirect(MinerApi api, const LanAddress& device, const AxeosPool& bridge);

/// What applying would send, one line each.
std::vector<std::string> describe(const RedirectPlan& plan);

/// Sends it, reads back, compares, and (AxeOS) restarts.
/// Errors: kDataLoss when the device shows another pool than it was given.
Result<void> apply(const RedirectPlan& plan);

/// Undoes it, the same way. A device that had no fallback pool has none again.
Result<void> restore(const RedirectPlan& plan);
/// What restoring would send, one line each.
std::vector<std::string> describe_restore(const RedirectPlan& plan);

/// The plan as a JSON file, whole or not at all, readable by its owner alone.
Result<void> save_plan(const RedirectPlan& plan, const std::filesystem::path& path);
/// Errors: kNotFound, kDataLoss.
Result<RedirectPlan> load_plan(const std::filesystem::path& path);

}  // namespace calx::device
