// What parse_idx takes is a whole array, also behind gzip.
#include "calx/base/assert.h"
#include "calx/format/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kBytesMax = 1 << 24;
  const auto array = calx::format::parse_idx({data, size}, kBytesMax);
  if (!array) return 0;
  CALX_ASSERT(calx::format::check(*array));
  CALX_ASSERT(array->bytes.size() <= kBytesMax);
  return 0;
}
