// The host's end of a chain of BM13xx chips: wakes it, feeds it jobs, judges its nonces.
//
// Nothing that a chip says is believed: every nonce is hashed again. On real hardware the board's
// own parts come first: core voltage, fan and reset (bitaxe_control.h), which this driver does not
// touch. Unverified for want of a chip: everything that a real chip does; above all what it makes
// of an empty version mask, and whether its replies then keep their length.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "calx/device/bm13xx_frame.h"
#include "calx/device/bm13xx_init.h"
#include "calx/device/nonce_judge.h"
#include "calx/device/wire.h"
#include "calx/work/job_runner.h"

namespace calx::device {

struct Bm13xxOptions {
  Bm13xx chip = Bm13xx::kBm1366;
  double mhz = 0;                         // 0: the chip's default; else clamped to its limits
  std::uint32_t reset_baud = kResetBaud;  // of the line before the chips change to their fast one
  unsigned base_bits = 32;       // zero bits of every returned hash; less only in an emulator
  double hashes_per_second = 0;  // 0: cores used * clock * chips; decides the ticket mask
  std::chrono::milliseconds count_silence{1000};  // the chain is counted when it is still so long
  std::chrono::milliseconds ramp_pause{100};      // after each step of the clock
  std::chrono::milliseconds chip_pause{500};      // after each chip's own block of writes
  std::chrono::milliseconds job_interval{500};    // at most, until the next extranonce
  std::chrono::milliseconds silence_max{30'000};  // without one reply: the chain is gone
  std::span<const InitStep> steps = {};           // empty: init_steps(chip)
};

class Bm13xxDriver final : public work::JobRunner {
 public:
  /// Wakes the chain and reads every chip's id back at its new speed. `wire` must outlive it.
  /// Errors: kUnavailable (no chips, another number of chips than before, wire).
  /// Cost: about ten seconds on real hardware, for the clock goes up in small steps.
  static Result<std::unique_ptr<Bm13xxDriver>> open(Wire& wire, const Bm13xxOptions& options);

  /// The wire's, and never more than `emulated` for a base below 32 bits, which no chip has.
  [[nodiscard]] Origin origin() const noexcept override;
  /// Chips roll the version by themselves, or as the host's midstates say (BM1397).
  [[nodiscard]] std::uint32_t version_mask() const noexcept override { return work::kVersionMask; }
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override;

  [[nodiscard]] std::size_t chips() const noexcept { return chips_; }
  [[nodiscard]] double mhz() const noexcept { return mhz_; }

  /// One reply for each chip that answers until the chain is silent. Not during run().
  Result<std::vector<RegisterReply>> read_register(std::uint8_t reg);

  struct Counts {
    std::uint64_t jobs = 0, nonces = 0;
    std::uint64_t above_target = 0;  // true nonces that the job's target does not take
    std::uint64_t wrong = 0;         // nonces whose hash misses the chip's own mask
    std::uint64_t lost = 0;          // of no job in the ring
    std::uint64_t bytes_skipped = 0;
  };
  [[nodiscard]] Counts counts() const noexcept;

 private:
  struct Work {
    std::vector<std::uint8_t> extranonce_2 = {};
    std::vector<std::uint32_t> versions = {};  // by midstate; empty for a whole header
  };

  Bm13xxDriver(Wire& wire, const Bm13xxOptions& options);
  Result<void> wake();
  Result<void> step(std::span<const InitStep> steps, std::size_t& at);
  Result<void> count_chips();
  Result<void> write_block(std::span<const InitStep> block);
  Result<void> ramp();
  Result<void> set_clock(double mhz);
  Result<void> aim(const work::Job& job);
  Result<void> send(const work::Job& job, const std::vector<std::uint8_t>& extranonce_2);
  Result<bool> receive(Deadline deadline);
  std::optional<work::Share> judge(const work::Job& job, const NonceReply& nonce);
  [[nodiscard]] double rate() const noexcept;
  [[nodiscard]] std::chrono::microseconds interval(const work::Job& job) const noexcept;

  Wire& wire_;
  Bm13xxOptions options_;
  const Bm13xxKind* kind_;
  Bm13xxReplyStream replies_;
  NonceJudge judge_;
  std::size_t chips_ = 0;
  double mhz_ = 0;
  unsigned ticket_bits_ = 0;
  std::uint32_t version_mask_ = 0x1fffe000;
  std::uint8_t job_id_ = 0;
  std::array<std::optional<Work>, kJobIds> ring_{};
  Counts counts_;
};

}  // namespace calx::device
