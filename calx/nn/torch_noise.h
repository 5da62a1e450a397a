// LibTorch's own normal noise: the rival that studies compare calx-noise-1 with.
#pragma once

#include <cstdint>
#include <span>

#include "calx/base/result.h"

namespace calx::nn {

/// out = torch.randn(out.size()) on the CPU after torch.manual_seed(seed), with a generator of its
/// own: the global one is not touched.
/// Errors: kResourceExhausted.
/// It promises no bits across machines or versions of LibTorch; noise/compat models it exactly.
Result<void> torch_normal(std::uint64_t seed, std::span<float> out);

}  // namespace calx::nn
