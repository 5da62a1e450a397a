// Force-included before the kernels that the tests build a second time: one bit of one round
// constant is wrong, and the kernel is called kFaulty....
#pragma once

#include "calx/hash/kernel_list.h"
#include "calx/hash/round_constants.h"

namespace calx::hash {

struct FaultyConstants {
  constexpr std::uint32_t operator[](int t) const noexcept {
    return kRoundConstants[t] ^ (t == 37 ? 1u << 13 : 0u);
  }
};
inline constexpr FaultyConstants kFaultyConstants;

extern const Kernel kFaultyShaniKernel, kFaultyAvx2Kernel, kFaultyAvx512Kernel, kFaultyArmv8Kernel;

}  // namespace calx::hash

#ifdef CALX_PLANT_FAULT
#define kRoundConstants kFaultyConstants
#define kShaniKernel kFaultyShaniKernel
#define kAvx2Kernel kFaultyAvx2Kernel
#define kAvx512Kernel kFaultyAvx512Kernel
#define kArmv8Kernel kFaultyArmv8Kernel
#endif
