// The rates of a device at several difficulties: what `calx device model` prints.
#pragma once

#include <optional>
#include <vector>

#include "calx/device/physics.h"

namespace calx::device {

/// Values of one SD 1.5 latent (4 x 64 x 64) of 32 bits each, if every one were taken from returned
/// hashes; nobody should, but it shows what a bit rate means.
inline constexpr double kLatentBits = 4 * 64 * 64 * 32;

struct Rate {
  double hashes_per_second = 0;
  std::optional<double> watts = std::nullopt;  // nothing when nobody measured it
  double mask = 0;                             // the least difficulty that is returned
};

struct RateRow {
  double difficulty = 0;
  bool stock = false;  // at or above the mask
  double returns_per_second = 0;
  Wait wait = {};
  double free_bits_per_second = 0;
  double latent_seconds = 0;  // kLatentBits at that rate
  double stamp_seconds = 0;   // mean wait for a stamp; never below the mask's
  std::optional<double> joules_per_stamp = std::nullopt, joules_per_byte = std::nullopt;
};

RateRow rate_row(const Rate& rate, double difficulty);
/// Rows for the mask and for difficulties 1, 16, 64, 256 and 8192, ascending.
std::vector<RateRow> rate_table(const Rate& rate);

}  // namespace calx::device
