// How each chip is woken, as a table: what the driver sends and what the strict emulator insists
// on.
//
// Sources: ESP-Miner components/asic/bm13{66,68,70,97}.c @5c277131, mujina; the frames of the steps
// are tested on literal bytes. Whether a real chip needs every line is unknown; none is left out.
#pragma once

#include <cstdint>
#include <span>

#include "calx/device/bm13xx_frame.h"
#include "calx/device/bm13xx_kind.h"

namespace calx::device {

enum class InitDo : std::uint8_t {
  kWrite,        // reg = value, all chips
  kWriteFirst,   // reg = value, the chip at address 0
  kWriteEach,    // reg = value, chip by chip; neighbours of this kind form one block for each chip
  kCountChips,   // read register 00 and count the answers
  kInactive,     // chips stop passing addresses on
  kAddress,      // one address for each chip, evenly spaced over 256
  kVersionMask,  // register A4 = all sixteen bits
  kTicketMask,   // register 14
  kRamp,         // register 08 from kRampFirstMhz up in steps of kRampStepMhz
  kHashCount,    // register 10
  kHostBaud,     // the host's own end changes to the chip's new baud
};

struct InitStep {
  InitDo what = InitDo::kWrite;
  std::uint8_t reg = 0;
  RegisterValue value{};
};

inline constexpr double kRampFirstMhz = 62.5;  // one step above the clock after reset
inline constexpr double kRampStepMhz = 6.25;

std::span<const InitStep> init_steps(Bm13xx chip) noexcept;

/// The address of chip `index` of `chips`: index * (256 / chips).
constexpr std::uint8_t chip_address(std::size_t index, std::size_t chips) noexcept {
  return static_cast<std::uint8_t>(index * (256 / chips));
}

}  // namespace calx::device
