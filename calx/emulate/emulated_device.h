// Which device is played: its rate and mask from the table of models, its firmware, its shift.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/emulate/firmware.h"
#include "calx/work/target.h"

namespace calx::emulate {

inline constexpr Origin kEmulatorOrigin = Origin::kEmulated;

/// Zero bits that difficulty 1 stands for. A mining chip has 32 wired in; no processor finds those
/// in time, so the emulated one has fewer. Everything else scales with it.
inline constexpr unsigned kRealBaseBits = 32;
inline constexpr unsigned kBaseBits = 12;

/// A device in a world where difficulty 1 takes 2^base_bits hashes.
///
///     true difficulty on the wire d  =  emulated difficulty D * 2^(base_bits - 32)
///     hashes really tried a share    =  2^base_bits * max(D, mask)      (on average)
///     modelled wait for a share      =  2^32 * max(D, mask) / rate      (on average)
///
/// So a bridge that asks d = 2^-12 of an emulated LV06 (base_bits 12, mask 256) gets shares at the
/// pace of a real one that was asked for 256, and each of them really took 2^20 hashes.
struct EmulatedDevice {
  std::string kind;
  Firmware firmware = {};
  double hashes_per_second = 0;  // modelled
  double mask = 0;               // emulated difficulty below which nothing is returned
  unsigned base_bits = kBaseBits;

  /// D of a difficulty on the wire, as this firmware keeps it: integers are cut.
  [[nodiscard]] double emulated_difficulty(double wire) const noexcept;
  /// max(D, mask); 0 when the firmware would submit nothing at all.
  [[nodiscard]] double effective_difficulty(double emulated) const noexcept;
  /// The target that a share of it meets: the harder of the chip's mask, a number of zero bits, and
  /// the pool's. Errors: kInvalidArgument (effective difficulty 0).
  [[nodiscard]] Result<work::Target> target(double emulated) const;
};

/// The kinds of device::device_models(), and cpuminer. Devices without a mining chip are not
/// shifted: base_bits is ignored.
/// Errors: kInvalidArgument (unknown kind; base_bits outside 1 .. 32).
Result<EmulatedDevice> find_emulated_device(std::string_view kind, unsigned base_bits = kBaseBits);
std::vector<std::string_view> emulated_kinds();

}  // namespace calx::emulate
