#include "calx/noise/normal_transform.h"

#include <array>
#include <bit>

#include "calx/noise/float_bits.h"
#include "calx/noise/normal_table.h"
#include "calx/noise/normal_x86.h"

namespace calx::noise {
namespace {

float coefficient(int k, int row) noexcept {
  return float_of(kNormalTable[static_cast<std::size_t>(k)][static_cast<std::size_t>(row)]);
}

bool always() noexcept { return true; }

// The first, second, middle and last word of every octave, of both signs: what a kernel must agree
// on before it is used. Cost: some microseconds, once.
bool agrees(const NormalKernel& kernel) noexcept {
  constexpr std::size_t kCount = 8 * 32;
  std::array<std::uint32_t, kCount> words{};
  std::array<float, kCount> values{};
  for (std::size_t octave = 0; octave < 32; ++octave) {
    const auto first = static_cast<std::uint32_t>((std::uint64_t{1} << octave) / 2);
    const std::uint32_t edges[] = {first, first | 1u, first + first / 2, first + first - 1};
    for (std::size_t i = 0; i < 4; ++i) {
      words[8 * octave + 2 * i] = edges[i];
      words[8 * octave + 2 * i + 1] = ~edges[i];
    }
  }
  kernel.run(words.data(), values.data(), kCount);
  for (std::size_t i = 0; i < kCount; ++i) {
    if (bits_of(values[i]) != bits_of(normal_value(words[i]))) {
      return false;
    }
  }
  return true;
}

void run_portable(const std::uint32_t* words, float* out, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) out[i] = normal_value(words[i]);
}

constexpr NormalKernel kKernels[] = {
    {"portable", always, run_portable},
#ifdef CALX_NOISE_X86
    {"avx2", has_avx2, run_avx2},
    {"avx512", has_avx512, run_avx512},
#endif
};

}  // namespace

float normal_value(std::uint32_t word) noexcept {
  const std::uint32_t flip = 0u - (word >> 31);  // without a branch: half of all words take it
  const std::uint32_t sign = ~flip & 0x80000000u;
  const std::uint32_t x = (word ^ flip) << 1 | 1u;
  const int row = std::countl_zero(x);
  // q is at most 2^31, and that only for row 31, whose polynomial is its constant.
  const std::uint32_t q = 0u - (x << row);
  const float t = static_cast<float>(static_cast<std::int32_t>(q)) * 0x1p-31f;
  const float t3 = t * t * t;
  float z = coefficient(7, row) * t3 + coefficient(6, row);
  for (int k = 5; k >= 0; --k) z = z * t + coefficient(k, row);
  return float_of(bits_of(z) ^ sign);
}

std::span<const NormalKernel> normal_kernels() noexcept { return kKernels; }

const NormalKernel& normal_kernel() noexcept {
  static const NormalKernel* const chosen = [] {
    const NormalKernel* best = &kKernels[0];
    for (const NormalKernel& kernel : kKernels) {
      if (kernel.supported() && agrees(kernel)) best = &kernel;
    }
    return best;
  }();
  return *chosen;
}

void normal_transform(std::span<const std::uint32_t> words, std::span<float> out) noexcept {
  normal_kernel().run(words.data(), out.data(), words.size());
}

}  // namespace calx::noise
