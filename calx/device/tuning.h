// Clock and core voltage of an AxeOS device: planned, clamped to the chip's table, shown, saved,
// read back, undone. Only ever on its owner's word; a redirection does not touch either.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calx/device/axeos_client.h"

namespace calx::device {

inline constexpr std::string_view kTuningFormat = "calx-tuning-1";
inline constexpr std::uint64_t kTuningFileBytesMax = 16 * 1024;

struct Operation {
  std::optional<double> mhz = {}, core_mv = {};  // nothing: stays, or is not known

  friend bool operator==(const Operation&, const Operation&) = default;
};

struct TuningPlan {
  LanAddress device = {};
  std::string chip = {};
  Operation asked = {};   // by the owner
  Operation wanted = {};  // the same inside the chip's limits
  Operation before = {};  // as the device says

  friend bool operator==(const TuningPlan&, const TuningPlan&) = default;
};

/// Reads the device and writes nothing. Errors: kInvalidArgument (nothing asked, or a chip that the
/// table lacks: then no limits are known); kUnavailable when the device does not say what it has,
/// for then there would be no way back.
Result<TuningPlan> plan_tuning(const LanAddress& device, const Operation& asked);

/// What applying would send, one line each, with what was cut.
std::vector<std::string> describe(const TuningPlan& plan);

/// Sends it and reads back. Errors: kDataLoss when the device shows other values.
Result<void> apply(const TuningPlan& plan);
/// Sends what was there before, the same way and inside the same limits: a device that stood
/// outside them does not go back there.
Result<void> restore(const TuningPlan& plan);
/// What restoring would send, one line each.
std::vector<std::string> describe_restore(const TuningPlan& plan);

/// The plan as a JSON file, whole or not at all, readable by its owner alone.
Result<void> save_plan(const TuningPlan& plan, const std::filesystem::path& path);
/// Errors: kDataLoss.
Result<TuningPlan> parse_tuning(std::string_view text);

}  // namespace calx::device
