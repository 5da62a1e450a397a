#include "calx/device/axeos_client.h"

#include <fmt/format.h>

#include "calx/device/http_exchange.h"

namespace calx::device {
namespace {

Result<std::string> request(const LanAddress& device, std::string_view method,
                            std::string_view path, std::string_view body,
                            Patience patience = kMinerTimeout) {
  CALX_ASSIGN(reply, http_exchange(device, method, path, body, patience));
  if (reply.status == 200) return std::move(reply.body);
  constexpr std::size_t kShown = 120;
  return fail(ErrorCode::kUnavailable,
              fmt::format("{}: {} {} answers {} {}", device.to_string(), method, path, reply.status,
                          reply.body.substr(0, kShown)));
}

Result<void> post(const LanAddress& device, std::string_view path) {
  CALX_TRY(request(device, "POST", path, ""));
  return {};
}

}  // namespace

Result<AxeosInfo> read_axeos(const LanAddress& device, Patience patience) {
  CALX_ASSIGN(body, request(device, "GET", "/api/system/info", "", patience));
  return parse_axeos_info(body);
}

Result<void> patch_axeos(const LanAddress& device, const std::string& patch) {
  CALX_TRY(request(device, "PATCH", "/api/system", patch));
  return {};
}

Result<void> restart_axeos(const LanAddress& device) { return post(device, "/api/system/restart"); }

Result<void> pause_axeos(const LanAddress& device) { return post(device, "/api/system/pause"); }

Result<void> resume_axeos(const LanAddress& device) { return post(device, "/api/system/resume"); }

}  // namespace calx::device
