// What each share was meant to be, beside what the server said: the judge of the judge.
//
// The emulator knows which fault it planted, so it knows the right answer before the server gives
// one. Nothing here is read from the server's own records.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calx/emulate/fault_plan.h"
#include "calx/emulate/hash_clock.h"

namespace calx::emulate {

/// Answers of the wire: 0 accepted, else the error code of Stratum V1.
inline constexpr int kAccepted = 0;
inline constexpr int kMalformed = 20, kStaleJob = 21, kDuplicateShare = 22, kAboveTarget = 23;

struct SubmitRecord {
  std::uint32_t miner = 0;  // of a farm
  std::uint64_t number = 0;
  Fault fault = Fault::kNone;
  std::string job = {};
  std::string extranonce_2 = {};  // hex, as sent
  std::uint32_t ntime = 0, nonce = 0, version_bits = 0;
  int expected = kAccepted;
  /// Its job was withdrawn before the answer came, or the connection was: "stale" is right too.
  bool overtaken = false;
  std::optional<int> verdict = std::nullopt;  // nothing: no answer came, or it was never sent
  Time due = {};  // when the modelled device returns it: drawn, before any planned latency
  Time sent = {};
  Seconds waited = Seconds(0);  // for the answer
};

/// Whether the answer is the one that the plan asks for; without an answer it is not.
bool is_right(const SubmitRecord& record) noexcept;

struct FaultTally {
  std::uint64_t shares = 0, right = 0, wrong = 0, unanswered = 0;
};

inline constexpr std::size_t kRecordsMax = std::size_t{1} << 20;  // of a farm; then only counted

class Ledger {
 public:
  /// Keeps a share until its answer. A share that is never sent (kLoss, kHalfOpen) is entered too.
  void enter(SubmitRecord record);
  /// The answer to share `number` of `miner`; ignored when there is no such share waiting.
  /// Returns the finished record.
  std::optional<SubmitRecord> answer(std::uint32_t miner, std::uint64_t number, int verdict,
                                     Time now);
  /// A clean job, or a lost connection: what waits at this miner may also be called stale.
  void overtake(std::uint32_t miner);
  /// What still waits at this miner will not be answered.
  void give_up(std::uint32_t miner);

  [[nodiscard]] const std::array<FaultTally, kFaultCount>& tallies() const noexcept {
    return tallies_;
  }
  [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_; }
  [[nodiscard]] std::uint64_t wrong() const noexcept;
  /// Shares that still wait for their answer.
  [[nodiscard]] std::size_t waiting() const noexcept;
  /// Finished shares, the first kRecordsMax of them.
  [[nodiscard]] const std::vector<SubmitRecord>& records() const noexcept { return finished_; }
  /// The wait for an answer that a fraction p of the answered shares did not pass; 0 without any.
  [[nodiscard]] Seconds answer_quantile(double p) const;

 private:
  void finish(SubmitRecord record);

  std::vector<std::vector<SubmitRecord>> waiting_;  // by miner; a few each
  std::vector<SubmitRecord> finished_;
  std::array<FaultTally, kFaultCount> tallies_{};
  std::uint64_t accepted_ = 0;
};

}  // namespace calx::emulate
