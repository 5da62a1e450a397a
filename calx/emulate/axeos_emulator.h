// The web API of an emulated AxeOS device (ESP-Miner and its forks), without sockets.
//
// Source: ESP-Miner main/http_server/{http_server.c, system_api_json.c, openapi.yaml}; both
// generations of the pool settings. Its numbers are modelled, and say so in `hostname`.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "calx/base/result.h"
#include "calx/emulate/emulated_device.h"

namespace calx::emulate {

enum class AxeosGeneration : std::uint8_t {
  kFlat,   // 2.1 to 2.6: one pool and a fallback as flat fields; bestDiff is text
  kPools,  // since "More pools": a list; flat pool fields in a PATCH are ignored with 200
};

inline constexpr std::size_t kAxeosBodyBytesMax = 10239;

struct HttpAnswer {
  int status = 200;
  std::string body = {};
};

/// What the device measures; fed by whoever runs the emulated miner.
struct AxeosTelemetry {
  double celsius = 60;
  std::uint64_t accepted = 0, rejected = 0;
  double best_difficulty = 0, pool_difficulty = 0;
  double uptime_seconds = 0;
  double error_percent = 0;
  bool overheated = false;  // then it hashes nothing, and overheat_mode is 1
};

struct AxeosPoolSetting {
  std::string url = {};
  std::uint16_t port = 0;
  std::string user = {};
  std::string password = {};

  friend bool operator==(const AxeosPoolSetting&, const AxeosPoolSetting&) = default;
};

class AxeosEmulator {
 public:
  /// Errors: kInvalidArgument unless the kind has a BM13xx chip.
  static Result<AxeosEmulator> open(std::string_view kind, AxeosGeneration generation);

  /// The answer to one request. GET /api/system/info; PATCH /api/system, which checks every known
  /// key before it writes any and ignores unknown ones; PUT /api/system/pools/<0..7> (kPools);
  /// POST /api/system/restart; POST /api/system/{pause,resume} (kPools). Anything else: 404.
  HttpAnswer handle(std::string_view method, std::string_view path, std::string_view body);

  AxeosTelemetry telemetry = {};

  /// Pool 0 and 1 as they are in force: a PATCH takes effect at the next restart.
  [[nodiscard]] const AxeosPoolSetting& pool() const noexcept { return running_[0]; }
  [[nodiscard]] const AxeosPoolSetting& fallback() const noexcept { return running_[1]; }
  [[nodiscard]] double mhz() const noexcept { return mhz_; }
  [[nodiscard]] unsigned restarts() const noexcept { return restarts_; }
  /// Its chips stand still until it is told to resume, or restarts.
  [[nodiscard]] bool paused() const noexcept { return paused_; }

  static constexpr std::size_t kPoolsMax = 8;

 private:
  AxeosEmulator() = default;
  [[nodiscard]] std::string info() const;
  HttpAnswer patch(std::string_view body);
  HttpAnswer put_pool(std::size_t number, std::string_view body);
  void restart();

  AxeosGeneration generation_ = AxeosGeneration::kFlat;
  std::string kind_, chip_, version_, board_;
  double chip_ghs_ = 0, default_mhz_ = 0, watts_ = 0;
  std::array<AxeosPoolSetting, kPoolsMax> stored_ = {}, running_ = {};
  double mhz_ = 0, core_mv_ = 1200;
  std::string hostname_;
  unsigned restarts_ = 0;
  bool paused_ = false;
};

}  // namespace calx::emulate
