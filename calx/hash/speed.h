// How fast a kernel is here and now; a quick look, not a benchmark (other programs disturb it).
#pragma once

#include <array>
#include <chrono>

#include "calx/base/result.h"
#include "calx/hash/kernel.h"

namespace calx::hash {

/// Million items a second on one thread: blocks of one long message; messages of 64 bytes; blocks
/// of counter mode; double hashes of a header.
struct KernelSpeed {
  std::array<double, kOperationCount> mega_per_second{};
};

/// Times each operation for about `each`, the best of several parts. The answers are compared with
/// the portable kernel's first, and nothing is timed if one differs.
/// Errors: kUnimplemented (this CPU lacks what the kernel needs), kDataLoss (a wrong answer).
Result<KernelSpeed> measure_speed(const Kernel& kernel, std::chrono::milliseconds each);

}  // namespace calx::hash
