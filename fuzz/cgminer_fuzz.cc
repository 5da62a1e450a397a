// Any bytes as a reply of cgminer.
#include <cmath>
#include <string_view>

#include "calx/base/assert.h"
#include "calx/device/cgminer_api.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace calx::device;
  const auto reply = parse_cgminer_reply({reinterpret_cast<const char*>(data), size});
  if (!reply) return 0;
  for (const CgminerPool& pool : cgminer_pools(*reply)) CALX_ASSERT(pool.index >= 0);
  const auto summary = cgminer_summary(*reply);
  CALX_ASSERT(!summary.ghs || std::isfinite(*summary.ghs));
  const auto celsius = cgminer_celsius(*reply);
  CALX_ASSERT(!celsius || (*celsius > 0 && *celsius < 200));
  return 0;
}
