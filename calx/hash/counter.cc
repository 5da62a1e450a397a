#include "calx/hash/counter.h"

#include "calx/base/assert.h"
#include "calx/hash/kernel.h"

namespace calx::hash {

void expand(const CounterRows& rows, std::span<std::uint32_t> words) noexcept {
  CALX_ASSERT(words.size() == std::uint64_t{rows.row_count} * rows.group_count * 8);
  CALX_ASSERT(rows.row_count <= 1 || rows.row_first <= UINT32_MAX - (rows.row_count - 1));
  CALX_ASSERT(rows.group_count <= 1 || rows.group_first <= UINT32_MAX - (rows.group_count - 1));
  if (!words.empty()) active_kernel(Operation::kExpand).expand(rows, words.data());
}

}  // namespace calx::hash
