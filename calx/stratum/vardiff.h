// Share difficulty that follows a miner's speed: powers of two, aimed at a stated share rate.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace calx::stratum {

using Time = std::chrono::steady_clock::time_point;

struct VardiffOptions {
  int log2_start = -8;  // difficulty 2^-8: about 17 million hashes a share
  int log2_min = -32, log2_max = 60;
  double shares_per_second = 0.5;  // the aim; 0 keeps the starting difficulty
  std::chrono::milliseconds window = std::chrono::seconds(16);  // judged at least this often
  std::uint32_t shares_max = 64;                                // or after so many shares
};

/// Counts the accepted shares of one connection. Not thread-safe.
class Vardiff {
 public:
  Vardiff(const VardiffOptions& options, Time now) noexcept : options_(options), since_(now) {}

  /// `log2_reached`: log2 of the difficulty that the share reached.
  void on_share(double log2_reached) noexcept;

  /// The exponent that suits the rate seen since the last judgement; nothing while a window is
  /// open, or when the rate is within a factor of two of the aim. `log2_now`: the one in force.
  std::optional<int> judge(int log2_now, Time now) noexcept;

  /// Starts a new window: another difficulty is in force.
  void restart(Time now) noexcept;

  /// Hashes a second that the last complete window implies; 0 before. A miner may filter more
  /// strictly than it was told (an ASIC's ticket mask): the least difficulty seen counts then.
  [[nodiscard]] double hash_rate_hps() const noexcept { return hash_rate_hps_; }

 private:
  VardiffOptions options_;
  Time since_;
  std::uint32_t shares_ = 0;
  double log2_least_ = 0;
  double hash_rate_hps_ = 0;
};

}  // namespace calx::stratum
