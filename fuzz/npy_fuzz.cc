// What parse_npy takes, encode_npy writes and parse_npy reads back the same.
#include "calx/base/assert.h"
#include "calx/format/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto array = calx::format::parse_npy({data, size});
  if (!array) return 0;
  const auto bytes = calx::format::encode_npy(*array);
  CALX_ASSERT(bytes.has_value());
  CALX_ASSERT(calx::format::parse_npy(*bytes).value() == *array);
  return 0;
}
