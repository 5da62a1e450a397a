// What a board with bitaxe-raw needs before its chips may be clocked: fan, core voltage, reset. All
// of it goes over the control port; the chips' own port carries none.
//
// Only boards whose voltage a DS4432U sets are done here (Ultra, early Supra: BM1366, BM1368).
// Boards with a TPS546 (Gamma, later ones) are found and refused: that regulator wants some thirty
// limits written before it may be switched on, and no board was at hand to try them on. Untested on
// hardware altogether.
#pragma once

#include <chrono>
#include <cstdint>

#include "calx/base/result.h"
#include "calx/device/bm13xx_kind.h"
#include "calx/device/wire.h"

namespace calx::device {

/// No chip is let out of reset above this temperature of its diode.
inline constexpr int kBitaxeCelsiusMax = 70;

struct BitaxePower {
  Bm13xx chip = Bm13xx::kBm1366;
  double millivolts = 0;                  // clamped to the chip's row of bm13xx_kind.h
  std::chrono::milliseconds settle{500};  // after the voltage, and after reset
};

/// Code of the DS4432U's output 0 for a core voltage: bit 7 lowers it. Rounded so that the voltage
/// is never above the one asked for; a step is 3.7 mV. Source: DS4432U data sheet; resistors of the
/// Bitaxe (ESP-Miner main/power/DS4432U.c).
std::uint8_t ds4432u_code(double millivolts) noexcept;

/// Holds the chips in reset, turns the fan to full, sets the voltage and reads it back, looks at
/// the temperature, and only then lets the chips out. Whatever fails leaves them in reset. Errors:
/// kUnavailable (no answer, a part that is not there or says another thing than was written, too
/// hot), kUnimplemented (a TPS546), kDataLoss (replies).
Result<void> power_bitaxe(Wire& control, const BitaxePower& power);

}  // namespace calx::device
