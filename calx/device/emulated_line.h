// Emulated machines behind a pseudo-terminal: other programs open its path as they open a serial
// line or a device file. What they find there is of origin `emulated`, and descriptor_origin() sees
// to it that nobody takes it for more.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "calx/base/result.h"
#include "calx/device/bitmain_emulator.h"
#include "calx/device/bm13xx_emulator.h"

namespace calx::device {

/// What stands behind a line: bytes in, bytes out, and hashing in between.
class LineMachine {
 public:
  LineMachine() = default;
  virtual ~LineMachine() = default;
  LineMachine(const LineMachine&) = delete;
  LineMachine& operator=(const LineMachine&) = delete;

  virtual void receive(std::span<const std::uint8_t> bytes) = 0;
  [[nodiscard]] virtual bool busy() const = 0;
  /// Tries about this many nonces.
  virtual void work(std::uint64_t nonces) = 0;
  [[nodiscard]] virtual std::vector<std::uint8_t> take_output() = 0;
  /// Why it no longer answers; empty while it does.
  [[nodiscard]] virtual std::string trouble() const = 0;
};

/// The strict chips of bm13xx_emulator.h. A pseudo-terminal has no speed, so theirs is taken to be
/// right.
std::unique_ptr<LineMachine> chips_on_a_line(const Bm13xxEmulatorOptions& options);
/// An Antminer behind its device file: the packets of a stream, one by one.
std::unique_ptr<LineMachine> antminer_on_a_line(const BitmainEmulatorOptions& options);
/// calx-hash-1.
std::unique_ptr<LineMachine> hashes_on_a_line();

class EmulatedLine {
 public:
  struct Options {
    double hashes_per_second_max = 1e12;  // what this processor may spend
    /// Called when a host has hung up, with what went wrong meanwhile.
    std::function<void(const std::string& trouble)> on_hang_up = {};
  };

  /// Errors: kUnavailable (the system gives no pseudo-terminal).
  static Result<std::unique_ptr<EmulatedLine>> open();
  ~EmulatedLine();
  EmulatedLine(const EmulatedLine&) = delete;
  EmulatedLine& operator=(const EmulatedLine&) = delete;

  /// What a host opens.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// Serves one host after the other until `stop`; each finds a machine as `power_up` made it.
  /// Bytes that a host does not read in time are lost, as on a serial line.
  void serve(const std::function<std::unique_ptr<LineMachine>()>& power_up, const Options& options,
             std::stop_token stop);

 private:
  EmulatedLine(int master, std::string path) : master_(master), path_(std::move(path)) {}
  class Inbox;
  void listen(Inbox& inbox, const std::stop_token& stop) const;
  void send(const std::vector<std::uint8_t>& bytes) const;

  int master_;
  std::string path_;
};

}  // namespace calx::device
