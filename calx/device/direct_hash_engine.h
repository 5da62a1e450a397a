// The two ends of calx-hash-1: a DigestEngine that asks a machine, and a machine in software.
#pragma once

#include <chrono>
#include <memory>
#include <random>
#include <vector>

#include "calx/device/direct_hash.h"
#include "calx/device/wire.h"
#include "calx/hash/engine.h"

namespace calx::device {

/// The engine's origin is the earlier of the wire's and the device's own word. One message of every
/// batch, chosen by chance, is hashed again here: a device that errs in one of n digests gets
/// through a batch with probability 1 - 1/n. Whoever needs certainty hashes in software.
class DirectHashEngine final : public hash::DigestEngine {
 public:
  /// Greets the device. `wire` must outlive the engine; `timeout` holds for every reply.
  /// Errors: kUnavailable (no welcome, another version), kDataLoss (absurd limits).
  static Result<std::unique_ptr<DirectHashEngine>> open(
      Wire& wire, std::chrono::milliseconds timeout = std::chrono::seconds(10));

  [[nodiscard]] const hash::EngineInfo& info() const noexcept override { return info_; }
  Result<hash::DigestReport> digest(std::span<const hash::Message> messages,
                                    std::span<hash::Digest> digests, std::stop_token stop) override;

 private:
  DirectHashEngine(Wire& wire, std::chrono::milliseconds timeout)
      : wire_(wire), timeout_(timeout), chance_(std::random_device{}()) {}
  Result<HashFrame> ask(HashFrame request, const std::stop_token& stop);
  Result<void> digest_batch(std::span<const hash::Message> messages,
                            std::span<hash::Digest> digests, const std::stop_token& stop);

  Wire& wire_;
  std::chrono::milliseconds timeout_;
  HashFrameStream replies_;
  hash::EngineInfo info_;
  std::uint32_t next_id_ = 1, batch_max_ = 0;
  std::mt19937 chance_;
};

/// A machine that speaks calx-hash-1 and computes with calx/hash: bytes in, bytes out. It says that
/// its origin is `emulated`, which is the most an engine behind it can have.
class DirectHashDevice {
 public:
  explicit DirectHashDevice(std::uint32_t batch_max = 1024, std::uint32_t message_bytes_max = 65536)
      : batch_max_(batch_max), message_bytes_max_(message_bytes_max) {}

  void receive(std::span<const std::uint8_t> bytes);
  [[nodiscard]] std::vector<std::uint8_t> take_output();

 private:
  HashFrame answer(const HashFrame& request);

  std::uint32_t batch_max_, message_bytes_max_;
  bool greeted_ = false;
  HashFrameStream in_;
  std::vector<std::uint8_t> out_;
};

}  // namespace calx::device
