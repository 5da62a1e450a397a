// The kernels that this build holds; each is defined in the file of its name.
#pragma once

#include "calx/hash/kernel.h"

namespace calx::hash {

extern const Kernel kPortableKernel;

}  // namespace calx::hash
