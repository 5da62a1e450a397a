// The host's own opinion of what a chip returns: a share, a true nonce too weak, or nonsense.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "calx/work/job.h"
#include "calx/work/share.h"

namespace calx::device {

/// Zero bits at the top of the hash as a little-endian number: what a chip's mask looks at.
unsigned leading_zero_bits(const hash::Digest& hash) noexcept;
/// Zero bits at the top of every hash that meets the target.
unsigned leading_zero_bits(const work::Target& target) noexcept;

class NonceJudge {
 public:
  /// `base_bits`: zero bits of every hash the chip may return.
  NonceJudge(std::string_view name, unsigned base_bits) : name_(name), base_bits_(base_bits) {}

  /// Forgets the streak of wrong nonces: a new job begins.
  void start() noexcept { wrong_in_a_row_ = 0; }

  /// Hashes the share; true when it meets the job's target.
  bool accepts(const work::Job& job, const work::Share& share);

  /// Errors: kDataLoss, naming the chip, after too many wrong nonces in a row.
  [[nodiscard]] Result<void> trust() const;

  [[nodiscard]] std::uint64_t nonces() const noexcept { return nonces_; }
  [[nodiscard]] std::uint64_t above_target() const noexcept { return above_target_; }
  [[nodiscard]] std::uint64_t wrong() const noexcept { return wrong_; }

 private:
  std::string name_;
  unsigned base_bits_;
  std::uint64_t nonces_ = 0, above_target_ = 0, wrong_ = 0, wrong_in_a_row_ = 0;
};

/// The share a job begins with: extranonces all zero, the job's own time.
work::Share first_share(const work::Job& job);
/// Extranonce 2 plus one, little-endian; wraps.
void count_up(std::vector<std::uint8_t>& extranonce_2) noexcept;

}  // namespace calx::device
