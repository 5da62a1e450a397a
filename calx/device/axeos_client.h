// Requests to one AxeOS device over its web interface: what the pure functions of axeos.h read and
// write, sent and answered.
//
// Endpoints: ESP-Miner main/http_server/{http_server.c,openapi.yaml}. None of them asks who calls.
#pragma once

#include <chrono>
#include <string>

#include "calx/device/axeos.h"
#include "calx/device/lan_address.h"

namespace calx::device {

inline constexpr std::uint16_t kAxeosPort = 80;
inline constexpr std::chrono::milliseconds kMinerTimeout{5000};

/// GET /api/system/info. Errors: those of http_exchange; kDataLoss; kUnavailable (HTTP status).
Result<AxeosInfo> read_axeos(const LanAddress& device, Patience patience = kMinerTimeout);
/// PATCH /api/system. The device checks the keys that it knows and ignores the others with 200, so
/// read back. Errors: kUnavailable also when it refuses a value.
Result<void> patch_axeos(const LanAddress& device, const std::string& patch);
/// POST /api/system/restart: it answers, and goes down a second later.
Result<void> restart_axeos(const LanAddress& device);
/// POST /api/system/pause: the chips stop, the interface stays. Old firmware has no such thing.
/// Errors: kUnavailable (HTTP 404 there).
Result<void> pause_axeos(const LanAddress& device);
/// POST /api/system/resume.
Result<void> resume_axeos(const LanAddress& device);

}  // namespace calx::device
