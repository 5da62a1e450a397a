// Why a request was refused: the error codes of Stratum V1.
#pragma once

#include <cstddef>
#include <cstdint>

namespace calx::stratum {

enum class Reject : std::uint8_t {
  kOther = 20,          // malformed, or outside what the job allows
  kStale = 21,          // the job is unknown, or was replaced by a clean one
  kDuplicate = 22,      // this very header was accepted before
  kLowDifficulty = 23,  // the hash is above the target
  kUnauthorized = 24,
  kNotSubscribed = 25,
};

inline constexpr std::size_t kRejectCodes = 6;

/// The place of a code in a table of kRejectCodes.
constexpr std::size_t index_of(Reject code) noexcept {
  return static_cast<std::size_t>(code) - static_cast<std::size_t>(Reject::kOther);
}

}  // namespace calx::stratum
