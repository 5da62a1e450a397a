#include "calx/noise/normal_transform.h"

#include <array>
#include <bit>

#include "calx/noise/normal_table.h"

namespace calx::noise {
namespace {

float coefficient(int k, int row) noexcept {
  return std::bit_cast<float>(
      kNormalTable[static_cast<std::size_t>(k)][static_cast<std::size_t>(row)]);
}

bool always() noexcept { return true; }

void run_portable(const std::uint32_t* words, float* out, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) out[i] = normal_value(words[i]);
}

constexpr NormalKernel kKernels[] = {
    {"portable", always, run_portable},
};

}  // namespace

float normal_value(std::uint32_t word) noexcept {
  const std::uint32_t sign = word >> 31 ? 0u : 0x80000000u;
  const std::uint32_t x = (word >> 31 ? ~word : word) << 1 | 1u;
  const int row = std::countl_zero(x);
  // q is at most 2^31, and that only for row 31, whose polynomial is its constant.
  const std::uint32_t q = 0u - (x << row);
  const float t = static_cast<float>(static_cast<std::int32_t>(q)) * 0x1p-31f;
  const float t3 = t * t * t;
  float z = coefficient(7, row) * t3 + coefficient(6, row);
  for (int k = 5; k >= 0; --k) z = z * t + coefficient(k, row);
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(z) ^ sign);
}

std::span<const NormalKernel> normal_kernels() noexcept { return kKernels; }

const NormalKernel& normal_kernel() noexcept {
  static const NormalKernel* const chosen = [] {
    const NormalKernel* best = &kKernels[0];
    for (const NormalKernel& kernel : kKernels) {
      if (kernel.supported()) best = &kernel;
    }
    return best;
  }();
  return *chosen;
}

void normal_transform(std::span<const std::uint32_t> words, std::span<float> out) noexcept {
  normal_kernel().run(words.data(), out.data(), words.size());
}

}  // namespace calx::noise
