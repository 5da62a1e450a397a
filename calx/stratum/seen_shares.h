// A bounded memory of accepted shares, so that none counts twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "calx/hash/digest.h"

namespace calx::stratum {

/// Remembers the latest `shares_max` hashes. A share is its block hash: two that differ in job,
/// extranonce, time, nonce or version bits differ in it. 64 of its bits are kept, so one honest
/// share in 2^64 / shares_max would be taken for a replay. Past the bound the oldest is forgotten.
/// Cost: constant; 24 bytes a share, from the start.
class SeenShares {
 public:
  /// \pre 1 <= shares_max <= 2^28
  explicit SeenShares(std::size_t shares_max);

  /// True the first time, false for a replay.
  bool insert(const hash::Digest& block_hash);
  /// Cost: that of the shares remembered, not of the bound.
  void clear();
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  [[nodiscard]] std::size_t slot_of(std::uint64_t key) const noexcept;
  void erase(std::uint64_t key) noexcept;

  std::vector<std::uint64_t> slots_;  // open addressing; 0 is empty; at most half full
  std::vector<std::uint64_t> ring_;   // in order of arrival
  std::size_t next_ = 0, size_ = 0;
};

}  // namespace calx::stratum
