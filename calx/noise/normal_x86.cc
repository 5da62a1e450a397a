// Lane by lane the same steps as normal_value(); the names are those of normal_transform.h.
#include "calx/noise/normal_x86.h"

#ifdef CALX_NOISE_X86
#include <immintrin.h>

#include <array>
#include <bit>

#include "calx/noise/normal_table.h"
#include "calx/noise/normal_transform.h"

#define CALX_TARGET_AVX2 __attribute__((target("avx2")))
#define CALX_TARGET_AVX512 __attribute__((target("avx512f,avx512cd")))

namespace calx::noise {

bool has_avx2() noexcept { return __builtin_cpu_supports("avx2"); }

bool has_avx512() noexcept {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd");
}

namespace {

constexpr int kRowsAtHand = 8;  // octaves that one register holds: all but 1 word in 256

// Eight values, right where the octave is below kRowsAtHand; `rare` marks the other lanes.
CALX_TARGET_AVX2 inline __m256 near_values(__m256i w, int& rare) {
  const __m256i sign = _mm256_srai_epi32(w, 31);
  const __m256i one = _mm256_set1_epi32(1);
  const __m256i x = _mm256_or_si256(_mm256_xor_si256(_mm256_add_epi32(w, w), sign), one);
  // The exponent of float(m) is the place of the leading bit; the bit after it is cleared first, so
  // that rounding cannot carry.
  const __m256i m = _mm256_srli_epi32(x, 1);
  const __m256i trimmed = _mm256_andnot_si256(_mm256_srli_epi32(m, 1), m);
  const __m256i biased = _mm256_srli_epi32(_mm256_castps_si256(_mm256_cvtepi32_ps(trimmed)), 23);
  const __m256i row = _mm256_sub_epi32(_mm256_set1_epi32(157), biased);
  const __m256i far = _mm256_cmpgt_epi32(row, _mm256_set1_epi32(kRowsAtHand - 1));
  rare = _mm256_movemask_ps(_mm256_castsi256_ps(far));
  const __m256i q = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_sllv_epi32(x, row));
  const __m256 t = _mm256_mul_ps(_mm256_cvtepi32_ps(q), _mm256_set1_ps(0x1p-31f));
  const auto coefficient = [row](std::size_t k) CALX_TARGET_AVX2 {
    const auto* rows = reinterpret_cast<const float*>(kNormalTable[k].data());
    return _mm256_permutevar8x32_ps(_mm256_loadu_ps(rows), row);
  };
  const __m256 t3 = _mm256_mul_ps(_mm256_mul_ps(t, t), t);
  __m256 z = _mm256_add_ps(_mm256_mul_ps(coefficient(7), t3), coefficient(6));
  z = _mm256_add_ps(_mm256_mul_ps(z, t), coefficient(5));
  z = _mm256_add_ps(_mm256_mul_ps(z, t), coefficient(4));
  z = _mm256_add_ps(_mm256_mul_ps(z, t), coefficient(3));
  z = _mm256_add_ps(_mm256_mul_ps(z, t), coefficient(2));
  z = _mm256_add_ps(_mm256_mul_ps(z, t), coefficient(1));
  z = _mm256_add_ps(_mm256_mul_ps(z, t), coefficient(0));
  const __m256 minus = _mm256_set1_ps(-0.0f);
  return _mm256_xor_ps(z, _mm256_andnot_ps(_mm256_castsi256_ps(w), minus));
}

CALX_TARGET_AVX512 inline __m512 values(__m512i w) {
  const __m512i sign = _mm512_srai_epi32(w, 31);
  // (a ^ b) | c
  const __m512i x =
      _mm512_ternarylogic_epi32(_mm512_add_epi32(w, w), sign, _mm512_set1_epi32(1), 0xbe);
  const __m512i row = _mm512_lzcnt_epi32(x);
  const __m512i q = _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_sllv_epi32(x, row));
  const __m512 t = _mm512_mul_ps(_mm512_cvtepi32_ps(q), _mm512_set1_ps(0x1p-31f));
  const auto coefficient = [row](std::size_t k) CALX_TARGET_AVX512 {
    const std::uint32_t* rows = kNormalTable[k].data();
    return _mm512_permutex2var_ps(_mm512_castsi512_ps(_mm512_loadu_si512(rows)), row,
                                  _mm512_castsi512_ps(_mm512_loadu_si512(rows + 16)));
  };
  const __m512 t3 = _mm512_mul_ps(_mm512_mul_ps(t, t), t);
  __m512 z = _mm512_add_ps(_mm512_mul_ps(coefficient(7), t3), coefficient(6));
  z = _mm512_add_ps(_mm512_mul_ps(z, t), coefficient(5));
  z = _mm512_add_ps(_mm512_mul_ps(z, t), coefficient(4));
  z = _mm512_add_ps(_mm512_mul_ps(z, t), coefficient(3));
  z = _mm512_add_ps(_mm512_mul_ps(z, t), coefficient(2));
  z = _mm512_add_ps(_mm512_mul_ps(z, t), coefficient(1));
  z = _mm512_add_ps(_mm512_mul_ps(z, t), coefficient(0));
  // a ^ (~b & c)
  return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(
      _mm512_castps_si512(z), w, _mm512_set1_epi32(std::bit_cast<int>(0x80000000u)), 0xd2));
}

}  // namespace

CALX_TARGET_AVX2 void run_avx2(const std::uint32_t* words, float* out, std::size_t count) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    int rare = 0;
    const __m256i w = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(words + i));
    _mm256_storeu_ps(out + i, near_values(w, rare));
    for (auto lanes = static_cast<unsigned>(rare); lanes != 0; lanes &= lanes - 1) {
      const std::size_t lane = i + static_cast<std::size_t>(std::countr_zero(lanes));
      out[lane] = normal_value(words[lane]);
    }
  }
  for (; i < count; ++i) out[i] = normal_value(words[i]);
}

CALX_TARGET_AVX512 void run_avx512(const std::uint32_t* words, float* out,
                                   std::size_t count) noexcept {
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16) _mm512_storeu_ps(out + i, values(_mm512_loadu_si512(words + i)));
  if (i < count) {
    const auto lanes = static_cast<__mmask16>((1u << (count - i)) - 1u);
    _mm512_mask_storeu_ps(out + i, lanes, values(_mm512_maskz_loadu_epi32(lanes, words + i)));
  }
}

}  // namespace calx::noise
#endif
