// Philox with one counter in each 64-bit lane: a round's 32 x 32 -> 64 bit products are then whole
// lanes, and what stands above a word's 32 bits is never read.
#include "calx/thermo/philox_kernel.h"

#ifdef CALX_THERMO_X86
#include <immintrin.h>

#include <algorithm>
#include <bit>

#define CALX_TARGET_AVX2 __attribute__((target("avx2")))
#define CALX_TARGET_AVX512 __attribute__((target("avx512f")))

namespace calx::thermo {
namespace {

constexpr std::uint32_t kMultiplyA = 0xd2511f53u, kMultiplyB = 0xcd9e8d57u;
constexpr std::uint32_t kWeylA = 0x9e3779b9u, kWeylB = 0xbb67ae85u;
constexpr int kRounds = 10;
// Groups worked on together: 4 fill the latency of the multiplications, 1 serves short rows.
constexpr std::size_t kManyGroups = 4;

long long wide(std::uint32_t word) { return static_cast<long long>(std::uint64_t{word}); }

template <std::size_t kGroups>
CALX_TARGET_AVX2 void groups_avx2(const PhiloxRun& run, std::uint32_t first,
                                  std::uint32_t* out) noexcept {
  __m256i c0[kGroups], c1[kGroups], c2[kGroups], c3[kGroups];
  for (std::size_t g = 0; g < kGroups; ++g) {
    const auto from = static_cast<std::uint32_t>(first + 4 * g);
    c0[g] = _mm256_setr_epi64x(wide(from), wide(from + 1), wide(from + 2), wide(from + 3));
    c1[g] = _mm256_set1_epi64x(wide(run.chain));
    c2[g] = _mm256_set1_epi64x(wide(run.step));
    c3[g] = _mm256_set1_epi64x(wide(run.draw));
  }
  std::uint32_t ka = run.key[0], kb = run.key[1];
  for (int round = 0; round < kRounds; ++round, ka += kWeylA, kb += kWeylB) {
    const __m256i key_a = _mm256_set1_epi64x(wide(ka)), key_b = _mm256_set1_epi64x(wide(kb));
    for (std::size_t g = 0; g < kGroups; ++g) {
      const __m256i a = _mm256_mul_epu32(c0[g], _mm256_set1_epi64x(wide(kMultiplyA)));
      const __m256i b = _mm256_mul_epu32(c2[g], _mm256_set1_epi64x(wide(kMultiplyB)));
      c0[g] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(b, 32), c1[g]), key_a);
      c1[g] = b;
      c2[g] = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(a, 32), c3[g]), key_b);
      c3[g] = a;
    }
  }
  for (std::size_t g = 0; g < kGroups; ++g) {
    const __m256i x = _mm256_blend_epi32(c0[g], _mm256_slli_epi64(c1[g], 32), 0xaa);
    const __m256i y = _mm256_blend_epi32(c2[g], _mm256_slli_epi64(c3[g], 32), 0xaa);
    const __m256i low = _mm256_unpacklo_epi64(x, y), high = _mm256_unpackhi_epi64(x, y);
    auto* to = reinterpret_cast<__m256i*>(out + 16 * g);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(low, high, 0x31));
  }
}

template <std::size_t kGroups>
CALX_TARGET_AVX512 void groups_avx512(const PhiloxRun& run, std::uint32_t first,
                                      std::uint32_t* out) noexcept {
  __m512i c0[kGroups], c1[kGroups], c2[kGroups], c3[kGroups];
  for (std::size_t g = 0; g < kGroups; ++g) {
    const auto from = static_cast<std::uint32_t>(first + 8 * g);
    c0[g] =
        _mm512_add_epi64(_mm512_set1_epi64(wide(from)), _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7));
    c1[g] = _mm512_set1_epi64(wide(run.chain));
    c2[g] = _mm512_set1_epi64(wide(run.step));
    c3[g] = _mm512_set1_epi64(wide(run.draw));
  }
  std::uint32_t ka = run.key[0], kb = run.key[1];
  for (int round = 0; round < kRounds; ++round, ka += kWeylA, kb += kWeylB) {
    const __m512i key_a = _mm512_set1_epi64(wide(ka)), key_b = _mm512_set1_epi64(wide(kb));
    for (std::size_t g = 0; g < kGroups; ++g) {
      const __m512i a = _mm512_mul_epu32(c0[g], _mm512_set1_epi64(wide(kMultiplyA)));
      const __m512i b = _mm512_mul_epu32(c2[g], _mm512_set1_epi64(wide(kMultiplyB)));
      // 0x96 is a ^ b ^ c.
      c0[g] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(b, 32), c1[g], key_a, 0x96);
      c1[g] = b;
      c2[g] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(a, 32), c3[g], key_b, 0x96);
      c3[g] = a;
    }
  }
  const __m512i front = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
  const __m512i back = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
  for (std::size_t g = 0; g < kGroups; ++g) {
    const __m512i x = _mm512_mask_mov_epi32(c0[g], 0xaaaa, _mm512_slli_epi64(c1[g], 32));
    const __m512i y = _mm512_mask_mov_epi32(c2[g], 0xaaaa, _mm512_slli_epi64(c3[g], 32));
    _mm512_storeu_si512(out + 32 * g, _mm512_permutex2var_epi64(x, front, y));
    _mm512_storeu_si512(out + 32 * g + 16, _mm512_permutex2var_epi64(x, back, y));
  }
}

using Groups = void (*)(const PhiloxRun& run, std::uint32_t first, std::uint32_t* out) noexcept;

// `many` makes 4 times as many counters as `one`; the last call goes by way of a buffer. A lane is
// wider than a counter, which wraps round at 2^32: such a call goes the portable way.
template <std::size_t counters>
void run_groups(const PhiloxRun& run, std::uint32_t* out, std::size_t count, Groups many,
                Groups one) noexcept {
  if (count > 0xffffffffu - run.first) {
    philox_kernels().front().run(run, out, count);
    return;
  }
  std::size_t at = 0;
  const auto first = [&] { return run.first + static_cast<std::uint32_t>(at); };
  for (; at + kManyGroups * counters <= count; at += kManyGroups * counters) {
    many(run, first(), out + 4 * at);
  }
  for (; at + counters <= count; at += counters) one(run, first(), out + 4 * at);
  if (at == count) return;
  std::uint32_t buffer[4 * counters];
  one(run, first(), buffer);
  std::copy_n(buffer, 4 * (count - at), out + 4 * at);
}

}  // namespace

bool philox_has_avx2() noexcept { return __builtin_cpu_supports("avx2"); }
bool philox_has_avx512() noexcept { return __builtin_cpu_supports("avx512f"); }

void philox_avx2(const PhiloxRun& run, std::uint32_t* out, std::size_t count) noexcept {
  run_groups<4>(run, out, count, groups_avx2<kManyGroups>, groups_avx2<1>);
}

void philox_avx512(const PhiloxRun& run, std::uint32_t* out, std::size_t count) noexcept {
  run_groups<8>(run, out, count, groups_avx512<kManyGroups>, groups_avx512<1>);
}

}  // namespace calx::thermo
#endif
