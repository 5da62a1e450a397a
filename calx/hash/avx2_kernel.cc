// 8 messages, one per lane of a ymm register: for x86 CPUs without SHA instructions.
#if defined(__x86_64__)
#include <immintrin.h>

#include <bit>

#include "calx/hash/fold.h"
#include "calx/hash/kernel_list.h"

namespace calx::hash {
namespace {

#define CALX_TARGET [[gnu::target("avx2")]]

using V = __m256i;
constexpr std::size_t kLanes = 8;

#define CALX_WORD CALX_TARGET [[gnu::always_inline]] inline V

CALX_WORD add(V a, V b) { return _mm256_add_epi32(a, b); }
CALX_WORD broadcast(std::uint32_t x) { return _mm256_set1_epi32(static_cast<int>(x)); }
CALX_WORD load(const std::uint32_t* x) { return _mm256_loadu_si256(reinterpret_cast<const V*>(x)); }
CALX_WORD iota() { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
CALX_WORD exclusive_or(V a, V b) { return _mm256_xor_si256(a, b); }
CALX_WORD choose(V e, V f, V g) { return exclusive_or(g, _mm256_and_si256(e, exclusive_or(f, g))); }
CALX_WORD majority(V a, V b, V c) {
  // a ^ b is b ^ c of the next round: the compiler keeps it.
  return exclusive_or(b, _mm256_and_si256(exclusive_or(a, b), exclusive_or(b, c)));
}
template <int kBits>
CALX_WORD rotate(V x) {
  return exclusive_or(_mm256_srli_epi32(x, kBits), _mm256_slli_epi32(x, 32 - kBits));
}
CALX_WORD sum0(V x) {
  return exclusive_or(exclusive_or(rotate<2>(x), rotate<13>(x)), rotate<22>(x));
}
CALX_WORD sum1(V x) {
  return exclusive_or(exclusive_or(rotate<6>(x), rotate<11>(x)), rotate<25>(x));
}
CALX_WORD sigma0(V x) {
  return exclusive_or(exclusive_or(rotate<7>(x), rotate<18>(x)), _mm256_srli_epi32(x, 3));
}
CALX_WORD sigma1(V x) {
  return exclusive_or(exclusive_or(rotate<17>(x), rotate<19>(x)), _mm256_srli_epi32(x, 10));
}
CALX_WORD swap_bytes(V x) {
  return _mm256_shuffle_epi8(
      x, _mm256_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, 3, 2, 1, 0, 7, 6, 5,
                          4, 11, 10, 9, 8, 15, 14, 13, 12));
}

CALX_TARGET [[gnu::always_inline]] inline std::uint32_t lanes_at_most(V x, std::uint32_t max) {
  const V small = _mm256_cmpeq_epi32(x, _mm256_min_epu32(x, broadcast(max)));
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(small)));
}

/// 4 x 4 transposition inside each 128-bit half: r[j] becomes word j of the four rows.
CALX_TARGET [[gnu::always_inline]] inline void transpose_halves(V& r0, V& r1, V& r2, V& r3) {
  const V t0 = _mm256_unpacklo_epi32(r0, r1), t1 = _mm256_unpackhi_epi32(r0, r1);
  const V t2 = _mm256_unpacklo_epi32(r2, r3), t3 = _mm256_unpackhi_epi32(r2, r3);
  r0 = _mm256_unpacklo_epi64(t0, t2), r1 = _mm256_unpackhi_epi64(t0, t2);
  r2 = _mm256_unpacklo_epi64(t1, t3), r3 = _mm256_unpackhi_epi64(t1, t3);
}

/// w[t] = word t (big-endian) of the 64 bytes at blocks[lane] + offset.
CALX_TARGET [[gnu::always_inline]] inline void load_block(const std::uint8_t* const* blocks,
                                                          std::size_t offset, V (&w)[16]) {
  for (std::size_t half = 0; half < 2; ++half) {
    V r[8];
    for (int i = 0; i < 8; ++i) {
      r[i] = _mm256_loadu_si256(reinterpret_cast<const V*>(blocks[i] + offset + 32 * half));
    }
    transpose_halves(r[0], r[1], r[2], r[3]);
    transpose_halves(r[4], r[5], r[6], r[7]);
    for (std::size_t j = 0; j < 4; ++j) {
      w[8 * half + j] = swap_bytes(_mm256_permute2x128_si256(r[j], r[j + 4], 0x20));
      w[8 * half + j + 4] = swap_bytes(_mm256_permute2x128_si256(r[j], r[j + 4], 0x31));
    }
  }
}

/// words[stride * lane + i] = lane of s[i].
CALX_TARGET [[gnu::always_inline]] inline void store_rows(const V (&s)[8], std::uint32_t* words,
                                                          std::size_t stride) {
  V lo[4] = {s[0], s[1], s[2], s[3]}, hi[4] = {s[4], s[5], s[6], s[7]};
  transpose_halves(lo[0], lo[1], lo[2], lo[3]);
  transpose_halves(hi[0], hi[1], hi[2], hi[3]);
  for (std::size_t j = 0; j < 4; ++j) {
    _mm256_storeu_si256(reinterpret_cast<V*>(words + stride * j),
                        _mm256_permute2x128_si256(lo[j], hi[j], 0x20));
    _mm256_storeu_si256(reinterpret_cast<V*>(words + stride * (4 + j)),
                        _mm256_permute2x128_si256(lo[j], hi[j], 0x31));
  }
}

#include "calx/hash/lanes.h"

}  // namespace

constinit const Kernel kAvx2Kernel = {
    .name = "avx2",
    .needs = "AVX2",
    .lanes = kLanes,
    .supported = []() noexcept { return __builtin_cpu_supports("avx2") != 0; },
    .rank = []() noexcept { return std::array<std::uint8_t, kOperationCount>{8, 4, 4, 4}; },
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
