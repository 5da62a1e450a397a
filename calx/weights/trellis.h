// The graph that a coded block walks through: 2^L states, k new bits a step, V weights a step.
//
// The codes of a block are one cyclic string of k N bits, N steps. The state of step t is its bits
// [k t, k t + L), lowest first, so that s' = (s >> k) | new << (L - k): there is no start state and
// no end, and the rate is exactly k / V. Standard: docs/protocol/weights.md, 2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "calx/base/result.h"

namespace calx::weights {

inline constexpr std::size_t kBlockWeights = 1024;
inline constexpr unsigned kStateBitsMax = 20;

struct Trellis {
  unsigned state_bits = 16;   // L
  unsigned step_bits = 2;     // k
  unsigned step_weights = 1;  // V

  [[nodiscard]] std::size_t states() const noexcept { return std::size_t{1} << state_bits; }
  /// States that share their predecessors form a group; group m is all s with s mod 2^(L-k) = m,
  /// and its predecessors are m 2^k .. m 2^k + 2^k - 1.
  [[nodiscard]] std::size_t groups() const noexcept {
    return std::size_t{1} << (state_bits - step_bits);
  }
  /// k / V, without scales.
  [[nodiscard]] double rate() const noexcept {
    return static_cast<double>(step_bits) / static_cast<double>(step_weights);
  }
  /// Steps of a block of `weights` weights: enough for them, and for one whole state.
  [[nodiscard]] std::size_t steps(std::size_t weights) const noexcept;
  /// Bytes of such a block: its bits, rounded up.
  [[nodiscard]] std::size_t block_bytes(std::size_t weights) const noexcept;
  /// "2/1": bits and weights of a step.
  [[nodiscard]] std::string rate_name() const;

  friend bool operator==(const Trellis&, const Trellis&) = default;
};

/// One rate of the standard.
struct Rate {
  unsigned step_bits = 0, step_weights = 0;
  /// sqrt(1 - D) for the D that such a code reaches: how much smaller than its source the best
  /// reproduction of a Gaussian source is.
  float shrink = 0;
};

/// 1, 1.5, 1.6, 2, 3 and 4 bits a weight.
std::span<const Rate> rates() noexcept;

/// The rate of this trellis. \pre check(trellis)
const Rate& rate_of(const Trellis& trellis) noexcept;

/// Errors: kInvalidArgument unless (k, V) is one of rates() and 2 k <= L <= kStateBitsMax.
Result<void> check(const Trellis& trellis);

/// "2", "2/1", "1.5", "3/2", ... with L. Errors: kInvalidArgument.
Result<Trellis> parse_trellis(std::string_view rate, unsigned state_bits);

}  // namespace calx::weights
