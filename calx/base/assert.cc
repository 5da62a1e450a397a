#include "calx/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace calx {

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "calx: %s:%d: broken promise: %s\n", file, line, condition);
  std::abort();
}

}  // namespace calx
