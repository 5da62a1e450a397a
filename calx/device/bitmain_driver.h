// The host's end of an Antminer S1 or S3: one long-lived owner that keeps the FIFO filled.
//
// The wire is opened once and kept: closing /dev/bitmain-asic and opening it again can leave the
// kernel driver wedged (calx device doctor explains). Unverified for want of hardware: everything
// that bitmain_token.h lists, and libusb (usb_wire.h). The kernel drivers have no ioctl to call:
// the handler of the S1's is empty, and that of the later one is compiled out and would load an
// FPGA.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include "calx/device/bitmain_token.h"
#include "calx/device/nonce_judge.h"
#include "calx/device/wire.h"
#include "calx/work/job_runner.h"

namespace calx::device {

inline constexpr std::uint16_t kS3MhzMin = 100, kS3MhzMax = 250;

/// Defaults are the stock options of an S3, 115200:32:8:16:250:0982.
struct BitmainOptions {
  TokenDialect dialect = {};
  std::uint8_t chains = 32, chips = 8, timeout = 16, fan_percent = 98;
  std::uint16_t mhz = 250;  // clamped to kS3MhzMin .. kS3MhzMax
  std::array<std::uint8_t, 2> voltage = {0x09, 0x82};
  unsigned base_bits = 32;                        // less only in an emulator
  std::chrono::milliseconds answer_wait{300};     // for each of the four waits for a status
  std::chrono::milliseconds silence_max{30'000};  // heartbeats come once a second
  std::chrono::milliseconds status_every{10'000};
};

class BitmainDriver final : public work::JobRunner {
 public:
  /// Drains the wire, asks for the status and configures the chains. `wire` must outlive it.
  /// Errors: kUnavailable when no status comes.
  static Result<std::unique_ptr<BitmainDriver>> open(Wire& wire, const BitmainOptions& options);

  [[nodiscard]] Origin origin() const noexcept override;
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override;

  /// The last status that the device sent.
  [[nodiscard]] const TokenStatus& status() const noexcept { return status_; }
  [[nodiscard]] const NonceJudge& judge() const noexcept { return judge_; }
  [[nodiscard]] std::uint64_t works() const noexcept { return next_id_; }

 private:
  BitmainDriver(Wire& wire, const BitmainOptions& options);
  Result<void> start();
  Result<bool> receive(Deadline deadline);
  Result<bool> await_status();
  Result<void> fill(const work::Job& job, bool first);
  std::optional<work::Share> judged(const work::Job& job, const TokenNonce& nonce);

  Wire& wire_;
  BitmainOptions options_;
  TokenStream answers_;
  NonceJudge judge_;
  TokenStatus status_;
  std::uint32_t space_ = 0;    // of the device's FIFO, as it last said
  std::uint32_t next_id_ = 0;  // never 0 again, so that a lost answer is of no work
  std::vector<std::uint8_t> extranonce_2_;
  std::map<std::uint32_t, std::vector<std::uint8_t>> sent_;  // by work id; bounded
};

}  // namespace calx::device
