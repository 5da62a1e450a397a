// What parse_json takes has exactly one canonical form, and the pretty form means the same.
#include "calx/base/assert.h"
#include "calx/format/canonical_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace format = calx::format;
  const auto json = format::parse_json({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  const auto canonical = format::encode_canonical_json(*json);
  const auto pretty = format::encode_pretty_json(*json);
  CALX_ASSERT(canonical.has_value() && pretty.has_value());
  CALX_ASSERT(format::parse_json(*canonical).value() == *json);
  CALX_ASSERT(format::parse_json(*pretty).value() == *json);
  CALX_ASSERT(format::encode_canonical_json(*format::parse_json(*canonical)).value() == *canonical);
  return 0;
}
