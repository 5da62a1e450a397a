// The SHA instructions of x86 CPUs; two rounds each, four messages side by side.
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#include "calx/hash/big_endian.h"
#include "calx/hash/fold.h"
#include "calx/hash/kernel_list.h"

namespace calx::hash {
namespace {

#define CALX_TARGET [[gnu::target("sha,sse4.1,ssse3")]]

using V = __m128i;

/// x = words A B E F, y = words C D G H, highest first.
struct Pair {
  V x, y;
};

#define CALX_WORDS CALX_TARGET [[gnu::always_inline]] inline V

CALX_WORDS add(V a, V b) { return _mm_add_epi32(a, b); }
CALX_WORDS load(const std::uint32_t* words) {
  return _mm_loadu_si128(reinterpret_cast<const V*>(words));
}
CALX_WORDS set(std::uint32_t w0, std::uint32_t w1, std::uint32_t w2, std::uint32_t w3) {
  return _mm_setr_epi32(static_cast<int>(w0), static_cast<int>(w1), static_cast<int>(w2),
                        static_cast<int>(w3));
}
CALX_WORDS reverse_bytes(V x) {
  return _mm_shuffle_epi8(x, _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
}
CALX_WORDS load_big_endian(const std::uint8_t* bytes) {
  return reverse_bytes(_mm_loadu_si128(reinterpret_cast<const V*>(bytes)));
}
CALX_WORDS message_1(V w0, V w4) { return _mm_sha256msg1_epu32(w0, w4); }
CALX_WORDS message_2(V x, V w8, V w12) {
  return _mm_sha256msg2_epu32(add(x, _mm_alignr_epi8(w12, w8, 4)), w12);
}

#define CALX_VOID CALX_TARGET [[gnu::always_inline]] inline void

CALX_VOID store(V x, std::uint32_t* words) { _mm_storeu_si128(reinterpret_cast<V*>(words), x); }
CALX_VOID store_big_endian(V x, std::uint8_t* bytes) {
  _mm_storeu_si128(reinterpret_cast<V*>(bytes), reverse_bytes(x));
}

CALX_VOID rounds_4(Pair& state, V sum) {
  state.y = _mm_sha256rnds2_epu32(state.y, state.x, sum);
  state.x = _mm_sha256rnds2_epu32(state.x, state.y, _mm_shuffle_epi32(sum, 0x0e));
}

/// State word H after the four last rounds: it is F after the first two of them.
CALX_TARGET [[gnu::always_inline]] inline std::uint32_t last_word(const Pair& state, V sum) {
  return static_cast<std::uint32_t>(
      _mm_cvtsi128_si32(_mm_sha256rnds2_epu32(state.y, state.x, sum)));
}

CALX_TARGET [[gnu::always_inline]] inline Pair make_pair(const std::uint32_t* state) {
  const V dcba = load(state), hgfe = load(state + 4);
  return {_mm_shuffle_epi32(_mm_unpacklo_epi64(hgfe, dcba), 0xb1),
          _mm_shuffle_epi32(_mm_unpackhi_epi64(hgfe, dcba), 0xb1)};
}

/// The eight words in order.
CALX_VOID split_words(const Pair& state, V& low, V& high) {
  low = _mm_shuffle_epi32(_mm_unpackhi_epi64(state.x, state.y), 0xb1);
  high = _mm_shuffle_epi32(_mm_unpacklo_epi64(state.x, state.y), 0xb1);
}

#include "calx/hash/quads.h"

bool has_sha() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  return (b >> 29 & 1) != 0;  // the compilers' own CPU check has no word for it
}

}  // namespace

constinit const Kernel kShaniKernel = {
    .name = "shani",
    .needs = "SHA, SSE4.1, SSSE3",
    .lanes = kLanes,
    .supported =
        []() noexcept {
          return has_sha() && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
        },
    .rank = []() noexcept { return std::array<std::uint8_t, kOperationCount>{1, 2, 2, 2}; },
    .compress = compress,
    .digest_many = digest_many,
    .digest_64 = digest_64,
    .expand = expand,
    .scan = scan,
};

}  // namespace calx::hash
#endif
