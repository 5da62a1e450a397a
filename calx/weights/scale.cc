#include "calx/weights/scale.h"

#include <algorithm>
#include <cmath>

#include "calx/base/assert.h"

namespace calx::weights {
namespace {

// The float32 nearest to 2^(i / 16).
constexpr float kSixteenths[16] = {0x1p+0f,        0x1.0b5586p+0f, 0x1.172b84p+0f, 0x1.2387a6p+0f,
                                   0x1.306fep+0f,  0x1.3dea64p+0f, 0x1.4bfdaep+0f, 0x1.5ab07ep+0f,
                                   0x1.6a09e6p+0f, 0x1.7a1148p+0f, 0x1.8ace54p+0f, 0x1.9c4918p+0f,
                                   0x1.ae89fap+0f, 0x1.c199bep+0f, 0x1.d5818ep+0f, 0x1.ea4afap+0f};
constexpr float kHalfStep = 0x1.059b0ep+0f;  // 2^(1 / 32)

}  // namespace

float scale_value(std::uint8_t byte, int exponent) noexcept {
  CALX_ASSERT(exponent >= -kExponentMax && exponent <= kExponentMax);
  if (byte == 0) return 0;
  return std::ldexp(kSixteenths[byte % 16], byte / 16 - 15 + exponent);
}

int scale_exponent(float largest) noexcept {
  CALX_ASSERT(largest >= 0 && largest < std::ldexp(1.0f, kExponentMax));
  return largest == 0 ? 0 : std::max(std::ilogb(largest), -kExponentMax);
}

std::uint8_t nearest_scale(float scale, int exponent) noexcept {
  if (!(scale * kHalfStep >= scale_value(1, exponent))) return 0;
  unsigned low = 1, high = 255;  // the largest byte whose value is at most half a step above scale
  while (low < high) {
    const unsigned middle = (low + high + 1) / 2;
    if (scale_value(static_cast<std::uint8_t>(middle), exponent) <= scale * kHalfStep) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return static_cast<std::uint8_t>(low);
}

}  // namespace calx::weights
