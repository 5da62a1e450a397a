// What is to go wrong, and how often: a short text that a person can write.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "calx/base/result.h"
#include "calx/emulate/draws.h"

namespace calx::emulate {

/// At most one of these befalls a share.
enum class Fault : std::uint8_t {
  kNone,
  kLoss,        // found, never sent
  kLie,         // a nonce that misses the target, sent as if it met it
  kDuplicate,   // sent twice
  kStale,       // sent for a job that was withdrawn, or never was
  kCorrupt,     // sent with a field that cannot be
  kDisconnect,  // the connection is dropped as soon as it is sent
  kHalfOpen,    // from here on the device neither reads nor writes, and does not hang up
};
inline constexpr std::size_t kFaultCount = 8;

/// "none", "loss", "lie", "duplicate", "stale", "corrupt", "disconnect", "half-open".
std::string_view to_string(Fault fault) noexcept;

inline constexpr std::chrono::milliseconds kFaultTimeMax = std::chrono::hours(24);

struct FaultPlan {
  std::array<double, kFaultCount> chance{};  // a share; [kNone] is unused
  std::chrono::milliseconds latency{0};      // before every submit leaves
  /// Device time after which it is too hot: it stops hashing and stays connected, as AxeOS does.
  std::optional<std::chrono::milliseconds> overheat_after = std::nullopt;

  /// Words separated by commas: `latency=200ms`, `overheat=90s`, and `KIND=CHANCE` for each kind
  /// above; a kind alone means 1. An empty text is a plan without faults.
  /// Errors: kInvalidArgument names the word: unknown, given twice, a chance outside 0 .. 1,
  /// chances above 1 together, a time that is none or above kFaultTimeMax.
  static Result<FaultPlan> parse(std::string_view text);
  /// A text that parse() reads back to the same plan.
  [[nodiscard]] std::string to_string() const;

  /// What befalls the next share. Draws one word.
  [[nodiscard]] Fault draw(Draws& draws) const;

  friend bool operator==(const FaultPlan&, const FaultPlan&) = default;
};

}  // namespace calx::emulate
