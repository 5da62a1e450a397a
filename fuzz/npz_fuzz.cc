// A zip archive may lie about every size in it; what comes out must still be whole arrays.
#include "calx/base/assert.h"
#include "calx/format/npz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kBytesMax = 1 << 24;
  const auto arrays = calx::format::parse_npz({data, size}, kBytesMax);
  if (!arrays) return 0;
  std::uint64_t total = 0;
  for (const auto& entry : *arrays) {
    CALX_ASSERT(calx::format::check(entry.array));
    total += entry.array.bytes.size();
  }
  CALX_ASSERT(total <= kBytesMax);
  return 0;
}
