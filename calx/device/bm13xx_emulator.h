// A chain of BM13xx chips as a strict stranger: bytes in, bytes out, and nonces it really found.
//
// It obeys bm13xx_init.h to the letter: a command out of its place, a clock that jumps, or a job
// before the last step makes it deaf, and refusal() says why. Real chips are more patient. It
// searches headers with calx/hash, under a base of fewer zero bits than the 32 of a real chip; what
// it finds is of origin `emulated` and nothing else. It never returns a stored answer.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "calx/device/bm13xx_frame.h"
#include "calx/device/bm13xx_init.h"
#include "calx/device/wire.h"

namespace calx::device {

struct Bm13xxEmulatorOptions {
  Bm13xx chip = Bm13xx::kBm1366;
  std::size_t chips = 1;    // 1 .. 64
  unsigned base_bits = 12;  // zero bits of every hash it returns; a real chip: 32
};

class Bm13xxEmulator {
 public:
  explicit Bm13xxEmulator(const Bm13xxEmulatorOptions& options);

  /// What the host sends, at the host's speed. At another speed than the chips' it is noise.
  void receive(std::span<const std::uint8_t> bytes, std::uint32_t baud);
  /// Tries about this many nonces of the newest job; replies gather in the output.
  void work(std::uint64_t nonces);
  /// What the chips have sent since the last call.
  [[nodiscard]] Bytes take_output();

  [[nodiscard]] bool awake() const noexcept { return at_ == expected_.size() && refusal_.empty(); }
  [[nodiscard]] bool busy() const noexcept { return awake() && newest_.has_value(); }
  [[nodiscard]] std::uint32_t baud() const noexcept { return baud_; }
  /// Why it went deaf; empty while every command came in its place.
  [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }
  [[nodiscard]] std::uint64_t hashes() const noexcept { return hashes_; }
  [[nodiscard]] double mhz() const noexcept { return mhz_; }
  [[nodiscard]] unsigned ticket_bits() const noexcept { return ticket_bits_; }

 private:
  struct Expected {
    InitDo what = InitDo::kWrite;
    Bm13xxCommand::Kind kind = Bm13xxCommand::Kind::kWrite;
    bool all = true;
    Bytes data = {};  // empty value bytes: judged by `what`
  };
  // A job as its midstates, whatever its form: midstate i belongs to version bits versions[i].
  struct Loaded {
    std::uint8_t id = 0;
    bool rolls = false;
    work::BlockHeader header{};
    std::vector<hash::State> midstates = {};
    std::array<std::uint32_t, 3> tail{};
  };

  void expect_all();
  void on_command(const Bm13xxCommand& command);
  bool fits(const Expected& expected, const Bm13xxCommand& command);
  void on_awake(const Bm13xxCommand& command);
  void apply_write(const Bm13xxCommand& command);
  bool ramp(const RegisterValue& value);
  void load(const Bytes& data);
  void answer_read(std::uint8_t reg);
  bool search_job(const Loaded& job, std::uint64_t end);
  void search(const Loaded& job, const hash::State& midstate, unsigned small_core,
              std::uint32_t version_bits, std::uint32_t first);
  [[nodiscard]] std::optional<std::uint32_t> version_at(std::uint64_t index) const;
  void refuse(std::string why);

  const Bm13xxKind* kind_;
  std::size_t chips_;
  unsigned base_bits_;
  Bm13xxCommandStream in_;
  Bytes out_;
  std::vector<Expected> expected_;
  std::size_t at_ = 0;
  std::string refusal_;
  std::uint32_t baud_ = kResetBaud;
  double mhz_ = kRampFirstMhz - kRampStepMhz;
  unsigned ticket_bits_ = 0;
  std::uint16_t version_mask_ = 0;
  std::array<RegisterValue, 256> registers_{};
  std::optional<Loaded> newest_;
  std::uint64_t chunk_ = 0;  // the place of the search
  std::uint64_t hashes_ = 0;
};

/// The emulator at the end of a wire. It searches while the host waits in read(), and only then.
class Bm13xxEmulatorWire final : public Wire {
 public:
  explicit Bm13xxEmulatorWire(Bm13xxEmulator& emulator) : emulator_(emulator) {}
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kEmulated; }
  Result<std::size_t> read(std::span<std::uint8_t> out, Deadline deadline) override;
  Result<void> write(std::span<const std::uint8_t> bytes) override;
  Result<void> set_baud(std::uint32_t baud) override;

 private:
  Bm13xxEmulator& emulator_;
  std::uint32_t baud_ = kResetBaud;
  Bytes pending_;
};

}  // namespace calx::device
