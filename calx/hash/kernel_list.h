// The kernels that this build holds; each is defined in the file of its name.
#pragma once

#include "calx/hash/kernel.h"

namespace calx::hash {

extern const Kernel kPortableKernel;
#if defined(__x86_64__)
extern const Kernel kShaniKernel;
extern const Kernel kAvx2Kernel;
extern const Kernel kAvx512Kernel;
#elif defined(__aarch64__)
extern const Kernel kArmv8Kernel;
#endif

}  // namespace calx::hash
