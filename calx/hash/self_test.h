// The start-up test of kernels, and the choice among those that pass it.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "calx/hash/kernel.h"

namespace calx::hash {

/// Compares every entry point of `kernel` with `reference`: whole and odd numbers of lanes, blocks
/// at an odd address, 0 to 3 blocks, both directions of counter mode, the nonce of the genesis
/// block. Returns the name of the first entry point that differs, or an empty view.
/// Cost: about 600 compressions by each, some 0.1 ms. \pre kernel.supported()
std::string_view self_test(const Kernel& kernel, const Kernel& reference) noexcept;

struct Choice {
  std::vector<KernelReport> reports;                    // one per candidate, in their order
  std::array<const Kernel*, kOperationCount> active{};  // never null
};

/// Tests every supported candidate against the last one, which is the reference and is not
/// tested itself, and takes the best rank per operation among those that passed.
Choice choose_kernels(std::span<const Kernel* const> candidates);

}  // namespace calx::hash
