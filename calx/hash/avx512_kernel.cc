// 16 messages, one per lane of a zmm register: CPUs with 512-bit units beat their own SHA
// instructions this way as soon as there are enough messages.
#if defined(__x86_64__)
#include <immintrin.h>

#include <bit>

#include "calx/hash/fold.h"
#include "calx/hash/kernel_list.h"

namespace calx::hash {
namespace {

#define CALX_TARGET [[gnu::target("avx512f,avx512bw,avx512vl")]]

using V = __m512i;
constexpr std::size_t kLanes = 16;

#define CALX_WORD CALX_TARGET [[gnu::always_inline]] inline V

CALX_WORD add(V a, V b) { return _mm512_add_epi32(a, b); }
CALX_WORD broadcast(std::uint32_t x) { return _mm512_set1_epi32(static_cast<int>(x)); }
CALX_WORD load(const std::uint32_t* x) { return _mm512_loadu_si512(x); }
CALX_WORD iota() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
CALX_WORD exclusive_or(V a, V b, V c) { return _mm512_ternarylogic_epi32(a, b, c, 0x96); }
CALX_WORD choose(V e, V f, V g) { return _mm512_ternarylogic_epi32(e, f, g, 0xca); }
CALX_WORD majority(V a, V b, V c) { return _mm512_ternarylogic_epi32(a, b, c, 0xe8); }
CALX_WORD sum0(V x) {
  return exclusive_or(_mm512_ror_epi32(x, 2), _mm512_ror_epi32(x, 13), _mm512_ror_epi32(x, 22));
}
CALX_WORD sum1(V x) {
  return exclusive_or(_mm512_ror_epi32(x, 6), _mm512_ror_epi32(x, 11), _mm512_ror_epi32(x, 25));
}
CALX_WORD sigma0(V x) {
  return exclusive_or(_mm512_ror_epi32(x, 7), _mm512_ror_epi32(x, 18), _mm512_srli_epi32(x, 3));
}
CALX_WORD sigma1(V x) {
  return exclusive_or(_mm512_ror_epi32(x, 17), _mm512_ror_epi32(x, 19), _mm512_srli_epi32(x, 10));
}
CALX_WORD swap_bytes(V x) {
  return _mm512_shuffle_epi8(x, _mm512_broadcast_i32x4(_mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10,
                                                                     9, 8, 15, 14, 13, 12)));
}

CALX_TARGET [[gnu::always_inline]] inline std::uint32_t lanes_at_most(V x, std::uint32_t max) {
  return _mm512_cmple_epu32_mask(x, broadcast(max));
}

/// 4 x 4 transposition inside each 128-bit quarter: r[j] becomes word j of the four rows.
CALX_TARGET [[gnu::always_inline]] inline void transpose_quarters(V& r0, V& r1, V& r2, V& r3) {
  const V t0 = _mm512_unpacklo_epi32(r0, r1), t1 = _mm512_unpackhi_epi32(r0, r1);
  const V t2 = _mm512_unpacklo_epi32(r2, r3), t3 = _mm512_unpackhi_epi32(r2, r3);
  r0 = _mm512_unpacklo_epi64(t0, t2), r1 = _mm512_unpackhi_epi64(t0, t2);
  r2 = _mm512_unpacklo_epi64(t1, t3), r3 = _mm512_unpackhi_epi64(t1, t3);
}

/// w[t] = word t (big-endian) of the 64 bytes at blocks[lane] + offset.
CALX_TARGET [[gnu::always_inline]] inline void load_block(const std::uint8_t* const* blocks,
                                                          std::size_t offset, V (&w)[16]) {
  V r[16];
  for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_si512(blocks[i] + offset);
  for (int i = 0; i < 16; i += 4) transpose_quarters(r[i], r[i + 1], r[i + 2], r[i + 3]);
  for (int j = 0; j < 4; ++j) {
    const V ab01 = _mm512_shuffle_i32x4(r[j], r[j + 4], 0x44);
    const V ab23 = _mm512_shuffle_i32x4(r[j], r[j + 4], 0xee);
    const V cd01 = _mm512_shuffle_i32x4(r[j + 8], r[j + 12], 0x44);
    const V cd23 = _mm512_shuffle_i32x4(r[j + 8], r[j + 12], 0xee);
    w[j] = swap_bytes(_mm512_shuffle_i32x4(ab01, cd01, 0x88));
    w[j + 4] = swap_bytes(_mm512_shuffle_i32x4(ab01, cd01, 0xdd));
    w[j + 8] = swap_bytes(_mm512_shuffle_i32x4(ab23, cd23, 0x88));
    w[j + 12] = swap_bytes(_mm512_shuffle_i32x4(ab23, cd23, 0xdd));
  }
}

/// words[stride * lane + i] = lane of s[i].
CALX_TARGET [[gnu::always_inline]] inline void store_rows(const V (&s)[8], std::uint32_t* words,
                                                          std::size_t stride) {
  V lo[4] = {s[0], s[1], s[2], s[3]}, hi[4] = {s[4], s[5], s[6], s[7]};
  transpose_quarters(lo[0], lo[1], lo[2], lo[3]);
  transpose_quarters(hi[0], hi[1], hi[2], hi[3]);
  const V first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const V second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  for (std::size_t j = 0; j < 4; ++j) {
    const V rows01 = _mm512_permutex2var_epi64(lo[j], first, hi[j]);
    const V rows23 = _mm512_permutex2var_epi64(lo[j], second, hi[j]);
    const __m256i rows[4] = {_mm512_castsi512_si256(rows01), _mm512_extracti64x4_epi64(rows01, 1),
                             _mm512_castsi512_si256(rows23), _mm512_extracti64x4_epi64(rows23, 1)};
    for (std::size_t q = 0; q < 4; ++q) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(words + stride * (4 * q + j)), rows[q]);
    }
  }
}

#include "calx/hash/lanes.h"

}  // namespace

constinit const Kernel kAvx512Kernel = {
    .name = "avx512",
    .needs = "AVX-512 F, BW, VL",
    .lanes = kLanes,
    .supported =
        []() noexcept {
          return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                 __builtin_cpu_supports("avx512vl");
        },
    .rank = []() noexcept -> std::array<std::uint8_t, kOperationCount> {
      // Zen 4 does each of these instructions in two halves; its SHA instructions win.
      if (__builtin_cpu_is("amdfam19h")) return {8, 3, 3, 3};
      return {8, 1, 1, 1};
    },
    .compress =
        [](State& state, const std::uint8_t* blocks, std::size_t block_count) noexcept {
          kPortableKernel.compress(state, blocks, block_count);
        },
    .digest_many = digest_many,
    .digest_64 = digest_64,
    .expand = expand,
    .scan = scan,
};

}  // namespace calx::hash
#endif
