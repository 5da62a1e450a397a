// The Bitmain emulator behind a pseudo-terminal, which stands in for /dev/bitmain-asic.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "calx/device/bitmain_emulator.h"

namespace calx::device {

class PtyMiner {
 public:
  explicit PtyMiner(const BitmainEmulatorOptions& options);
  ~PtyMiner();
  PtyMiner(const PtyMiner&) = delete;
  PtyMiner& operator=(const PtyMiner&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// The device goes away under whoever has it open.
  void vanish();
  /// The lengths of the packets that came, in their order.
  [[nodiscard]] std::vector<std::size_t> packets() const;

 private:
  void serve(const std::stop_token& stop);
  void take(std::vector<std::uint8_t>& pending);
  void send(const TokenBytes& bytes, const std::stop_token& stop) const;

  BitmainEmulator emulator_;
  int master_;
  std::string path_;
  mutable std::mutex mutex_;
  std::vector<std::size_t> packets_;
  std::jthread thread_;
};

}  // namespace calx::device
