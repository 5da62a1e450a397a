// What a hash rate and a ticket mask give: returns, waits, bits, joules. All of it is `modelled`.
//
// A device that tries H hashes a second returns one at share difficulty D every D * 2^32 / H
// seconds on average, and the gaps are exponential: nothing else about the device matters.
#pragma once

#include <span>

#include "calx/base/origin.h"

namespace calx::device {

inline constexpr double kHashesPerDifficulty = 4294967296.0;  // 2^32
/// No figure of this file is more than a formula, whatever it was fed with.
inline constexpr Origin kPhysicsOrigin = Origin::kModelled;

/// Seconds between two returns: an exponential law, so its mean is also its standard deviation.
struct Wait {
  double mean = 0;
  /// The time within which a fraction p of the waits ends: -mean * ln(1 - p). \pre 0 <= p < 1
  [[nodiscard]] double quantile(double p) const noexcept;
};

/// H / (D * 2^32). \pre difficulty > 0
double returns_per_second(double hashes_per_second, double difficulty) noexcept;
/// \pre hashes_per_second > 0
Wait wait_for(double hashes_per_second, double difficulty) noexcept;

/// Bits of a returned hash that the difficulty does not force to zero: 224 - log2 D.
double free_bits(double difficulty) noexcept;
/// free_bits(D) * returns per second.
double bits_per_second(double hashes_per_second, double difficulty) noexcept;

/// watts * D * 2^32 / H: energy of one return, or of a stamp of that difficulty.
double joules_per_return(double watts, double hashes_per_second, double difficulty) noexcept;
/// Energy of eight free bits.
double joules_per_byte(double watts, double hashes_per_second, double difficulty) noexcept;
/// Energy of a day of mining, whether anybody wants the shares or not.
double kilowatt_hours_per_day(double watts) noexcept;

/// The mean wait for a stamp of `difficulty` from a device that returns nothing below `mask`.
Wait stamp_wait(double hashes_per_second, double difficulty, double mask) noexcept;

}  // namespace calx::device
