// What one whole picture asks of a substrate in the place of the last decoder block, and of its
// digital rivals.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "calx/inference/block_fit.h"
#include "calx/thermo/ledger.h"

namespace calx::inference {

/// Where the encoder's last map comes from.
enum class SkipPath : std::uint8_t {
  kWritten,  // digital: every value is written to the substrate
  kAnalog,   // the encoder's last map is a substrate itself and holds what the decoder reads: no
             // writes of the skip. What is not counted then: that substrate's own fit and error.
};

struct PictureEffort {
  std::string name;
  thermo::Effort effort;        // of one picture
  std::uint64_t reflashes = 0;  // programs of couplings and stiffness, for one picture alone
  /// The price of a DAC write, J, at which the substrate would cost as much as the digital map of
  /// the same rank (or the block itself), if standing by cost nothing and all else at its stated
  /// price; nothing where no price above 0 does it, or nothing is written.
  std::optional<double> write_against_map_j, write_against_block_j;
  double stated_j = 0, map_j = 0, block_j = 0;  // the substrate's stated lines; the rivals
};

/// One picture: `steps` times one pass (two when guided) of side^2 pixels; each pixel one clamp of
/// the wired inputs and one read of all units; each program written once, at most one a second
/// (the Z1's limit), which is the time the machine stands by.
PictureEffort picture_effort(const BlockFits& fits, bool guided, SkipPath path,
                             std::uint64_t block_macs);

}  // namespace calx::inference
