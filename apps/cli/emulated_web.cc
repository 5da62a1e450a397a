#include "apps/cli/emulated_web.h"

#include "calx/device/axeos.h"

namespace calx::cli {
namespace {

constexpr double kHotCelsius = 95;

}  // namespace

Result<std::unique_ptr<EmulatedWeb>> EmulatedWeb::start(const std::string& kind,
                                                        std::uint16_t web_port,
                                                        const std::string& pool_host,
                                                        std::uint16_t pool_port,
                                                        const std::string& worker) {
  const auto generation = kind.starts_with("bitaxe") ? emulate::AxeosGeneration::kPools
                                                     : emulate::AxeosGeneration::kFlat;
  CALX_ASSIGN(emulator, emulate::AxeosEmulator::open(kind, generation));
  const device::AxeosPool pool{.url = pool_host, .port = pool_port, .user = worker};
  emulator.handle("PATCH", "/api/system", device::axeos_pool_patch(pool, std::nullopt));
  CALX_ASSIGN(server, emulate::AxeosServer::start(std::move(emulator), web_port));
  return std::unique_ptr<EmulatedWeb>(new EmulatedWeb(std::move(server)));
}

void EmulatedWeb::take(const emulate::MinerEvent& event) {
  if (event.miner != 0) return;
  using Kind = emulate::MinerEvent::Kind;
  const std::chrono::duration<double> uptime = std::chrono::steady_clock::now() - start_;
  server_->with_emulator([&](emulate::AxeosEmulator& device) {
    device.telemetry.uptime_seconds = uptime.count();
    if (event.kind == Kind::kAnswered && event.record && event.record->verdict) {
      const bool accepted = *event.record->verdict == emulate::kAccepted;
      ++(accepted ? device.telemetry.accepted : device.telemetry.rejected);
    }
    // Without a share it is the device itself that failed.
    if (event.kind == Kind::kFault && !event.record && event.text == emulate::kTooHot) {
      device.telemetry.celsius = kHotCelsius;
      device.telemetry.overheated = true;
    }
  });
}

}  // namespace calx::cli
