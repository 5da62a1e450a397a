// Any bytes as an HTTP reply and as AxeOS info. Figures that are read are finite.
#include <cmath>
#include <string_view>

#include "calx/base/assert.h"
#include "calx/device/axeos.h"
#include "calx/device/http_exchange.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace calx::device;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto reply = parse_http_reply(text);
  const std::string_view inside = reply ? std::string_view(reply->body) : std::string_view();
  for (const std::string_view body : {text, inside}) {
    const auto info = parse_axeos_info(body);
    if (!info) continue;
    for (const auto& figure : {info->ghs, info->watts, info->celsius, info->best_difficulty}) {
      CALX_ASSERT(!figure || std::isfinite(*figure));
    }
    static_cast<void>(too_hot(*info, {}));
    if (!info->pool) continue;
    const auto again = parse_axeos_info(axeos_pool_patch(*info->pool, info->fallback));
    CALX_ASSERT(again && again->pool->port == info->pool->port);
  }
  return 0;
}
