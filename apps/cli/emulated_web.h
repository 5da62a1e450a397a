// The web interface of an emulated AxeOS miner, fed by what its Stratum side does.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "calx/emulate/axeos_server.h"
#include "calx/emulate/miner.h"

namespace calx::cli {

/// Serves miner 0 of a farm on 127.0.0.1. LuckyMiners answer as firmware of generation kFlat,
/// Bitaxes as kPools. Settings that are made there are kept and shown; the Stratum side does not
/// follow them.
class EmulatedWeb {
 public:
  /// `host` and `port` of the pool are shown as pool 0. Port 0 takes a free one.
  /// Errors: kInvalidArgument (a kind without AxeOS), kUnavailable (the port is taken).
  static Result<std::unique_ptr<EmulatedWeb>> start(const std::string& kind, std::uint16_t web_port,
                                                    const std::string& pool_host,
                                                    std::uint16_t pool_port,
                                                    const std::string& worker);

  [[nodiscard]] std::uint16_t port() const noexcept { return server_->port(); }
  void take(const emulate::MinerEvent& event);

 private:
  explicit EmulatedWeb(std::unique_ptr<emulate::AxeosServer> server)
      : server_(std::move(server)), start_(std::chrono::steady_clock::now()) {}
  std::unique_ptr<emulate::AxeosServer> server_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace calx::cli
