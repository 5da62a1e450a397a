#include "calx/emulate/emulated_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "calx/device/model.h"

namespace calx::emulate {
namespace {

struct Row {
  std::string_view kind, firmware;
  bool has_chip = true;
};

constexpr std::array kRows = {
    Row{"lv06", "axeos-2.1"},
    Row{"lv07", "axeos-2.1"},
    Row{"lv08", "axeos-2.1"},
    Row{"bitaxe-ultra", "axeos-master"},
    Row{"bitaxe-supra", "axeos-master"},
    Row{"bitaxe-gamma", "axeos-master"},
    Row{"s1", "cgminer-s3"},
    Row{"s3", "cgminer-s3"},
    Row{"s9", "cgminer-s9"},
    Row{"nerdminer", "nerdminer", false},
    Row{"cpuminer", "cpuminer", false},
};

constexpr double kCpuminerRate = 8e6;  // one thread of a desktop processor, as others measured

// The least emulated difficulty that a chip can tell apart: one hash.
double least(unsigned base_bits) { return std::ldexp(1.0, -static_cast<int>(base_bits)); }

}  // namespace

double EmulatedDevice::emulated_difficulty(double wire) const noexcept {
  const double emulated = std::ldexp(wire, static_cast<int>(kRealBaseBits - base_bits));
  return firmware.difficulty == DifficultyRule::kInteger ? std::floor(emulated) : emulated;
}

double EmulatedDevice::effective_difficulty(double emulated) const noexcept {
  if (firmware.difficulty == DifficultyRule::kOneOrMore && emulated < 1) return 0;
  return std::max({emulated, mask, least(base_bits)});
}

Result<work::Target> EmulatedDevice::target(double emulated) const {
  if (effective_difficulty(emulated) == 0) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}: difficulty {} makes this firmware submit nothing, wanted 1 or more", kind,
                    emulated));
  }
  work::Target target;
  if (mask > 0) {
    const double bits = base_bits + std::log2(mask);
    CALX_ASSIGN(chip, work::Target::from_work_bits(static_cast<std::uint32_t>(std::lround(bits))));
    target = chip;
  }
  if (emulated > 0) {
    const double wire = std::ldexp(emulated, static_cast<int>(base_bits) - int{kRealBaseBits});
    CALX_ASSIGN(pool, work::Target::from_difficulty(wire));
    target = std::min(target, pool);
  }
  return target;
}

Result<EmulatedDevice> find_emulated_device(std::string_view kind, unsigned base_bits) {
  if (base_bits < 1 || base_bits > kRealBaseBits) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("base mask: {} bits, wanted 1 to {}", base_bits, kRealBaseBits));
  }
  for (const Row& row : kRows) {
    if (row.kind != kind) continue;
    CALX_ASSIGN(firmware, find_firmware(row.firmware));
    EmulatedDevice device{.kind = std::string(kind),
                          .firmware = firmware,
                          .hashes_per_second = kCpuminerRate,
                          .mask = 0,
                          .base_bits = row.has_chip ? base_bits : kRealBaseBits};
    if (kind == "cpuminer") return device;
    CALX_ASSIGN(model, device::find_device_model(kind));
    device.hashes_per_second = model.hashes_per_second.value;
    if (row.has_chip) device.mask = model.stock_difficulty.value;
    return device;
  }
  return fail(ErrorCode::kInvalidArgument, fmt::format("emulator: kind \"{}\", wanted one of: {}",
                                                       kind, fmt::join(emulated_kinds(), " ")));
}

std::vector<std::string_view> emulated_kinds() {
  std::vector<std::string_view> kinds;
  for (const Row& row : kRows) kinds.push_back(row.kind);
  return kinds;
}

}  // namespace calx::emulate
