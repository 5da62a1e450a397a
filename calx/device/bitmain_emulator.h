// An Antminer S1 or S3 behind its kernel driver, with the driver's manners: one owner at a time,
// read() = 0 for "nothing yet", and packets that it does not understand swallowed without a word.
//
// It searches the works that it was given with calx/hash, under a base of fewer zero bits than the
// 32 of real chips; what it finds is of origin `emulated`.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "calx/device/bitmain_token.h"
#include "calx/device/wire.h"

namespace calx::device {

struct BitmainEmulatorOptions {
  TokenDialect dialect = {};
  unsigned base_bits = 12;
  std::uint64_t nonces_per_work = std::uint64_t{1} << 22;  // real chips: 2^32
};

class BitmainEmulator {
 public:
  static constexpr std::uint32_t kFifoTasks = 100;

  explicit BitmainEmulator(const BitmainEmulatorOptions& options) : options_(options) {}

  /// Errors: kUnavailable, "device or resource busy", while another owner has it.
  Result<void> open();
  void close() noexcept { owned_ = false; }

  /// One packet. Never an error, whatever the bytes are: see log().
  void write(std::span<const std::uint8_t> bytes);
  /// What is ready; none is not the end.
  [[nodiscard]] TokenBytes read();
  /// Tries about this many nonces of the first work; then reports nonces, or a heartbeat.
  void work(std::uint64_t nonces);

  [[nodiscard]] bool configured() const noexcept { return config_.has_value(); }
  [[nodiscard]] std::size_t queued() const noexcept { return fifo_.size(); }
  /// What the kernel's log would say about packets that it dropped.
  [[nodiscard]] const std::vector<std::string>& log() const noexcept { return log_; }

 private:
  void on_config(const TokenConfig& config);
  void on_task(const TokenTask& task);
  void on_request(const TokenStatusRequest& request);
  void send(const TokenBytes& bytes);
  [[nodiscard]] std::uint32_t space() const noexcept;

  BitmainEmulatorOptions options_;
  bool owned_ = false;
  std::optional<TokenConfig> config_;
  std::deque<TokenWork> fifo_;
  std::uint64_t tried_ = 0;  // nonces of the first work
  unsigned difficulty_ = 0;
  std::uint64_t total_ = 0;
  TokenBytes out_;
  std::vector<std::string> log_;
};

/// Opens the emulator for as long as it lives. It searches while the host waits in read().
class BitmainEmulatorWire final : public Wire {
 public:
  static Result<std::unique_ptr<BitmainEmulatorWire>> open(BitmainEmulator& emulator);
  ~BitmainEmulatorWire() override { emulator_.close(); }
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kEmulated; }
  Result<std::size_t> read(std::span<std::uint8_t> out, Deadline deadline) override;
  Result<void> write(std::span<const std::uint8_t> bytes) override;

 private:
  explicit BitmainEmulatorWire(BitmainEmulator& emulator) : emulator_(emulator) {}
  BitmainEmulator& emulator_;
  TokenBytes pending_;
};

}  // namespace calx::device
