// The SHA instructions of 64-bit Arm CPUs; four rounds each, four messages side by side.
#if defined(__aarch64__)
#include <arm_neon.h>
#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "calx/hash/big_endian.h"
#include "calx/hash/fold.h"
#include "calx/hash/kernel_list.h"

namespace calx::hash {
namespace {

#define CALX_TARGET [[gnu::target("+crypto")]]

using V = uint32x4_t;

/// x = words A B C D, y = words E F G H.
struct Pair {
  V x, y;
};

#define CALX_WORDS CALX_TARGET [[gnu::always_inline]] inline V

CALX_WORDS add(V a, V b) { return vaddq_u32(a, b); }
CALX_WORDS load(const std::uint32_t* words) { return vld1q_u32(words); }
CALX_WORDS set(std::uint32_t w0, std::uint32_t w1, std::uint32_t w2, std::uint32_t w3) {
  const std::uint32_t words[4] = {w0, w1, w2, w3};
  return vld1q_u32(words);
}
CALX_WORDS load_big_endian(const std::uint8_t* bytes) {
  return vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(bytes)));
}
CALX_WORDS message_1(V w0, V w4) { return vsha256su0q_u32(w0, w4); }
CALX_WORDS message_2(V x, V w8, V w12) { return vsha256su1q_u32(x, w8, w12); }

#define CALX_VOID CALX_TARGET [[gnu::always_inline]] inline void

CALX_VOID store(V x, std::uint32_t* words) { vst1q_u32(words, x); }
CALX_VOID store_big_endian(V x, std::uint8_t* bytes) {
  vst1q_u8(bytes, vrev32q_u8(vreinterpretq_u8_u32(x)));
}

CALX_VOID rounds_4(Pair& state, V sum) {
  const V before = state.x;
  state.x = vsha256hq_u32(state.x, state.y, sum);
  state.y = vsha256h2q_u32(state.y, before, sum);
}

/// State word H after the four last rounds.
CALX_TARGET [[gnu::always_inline]] inline std::uint32_t last_word(const Pair& state, V sum) {
  return vgetq_lane_u32(vsha256h2q_u32(state.y, state.x, sum), 3);
}

CALX_TARGET [[gnu::always_inline]] inline Pair make_pair(const std::uint32_t* state) {
  return {load(state), load(state + 4)};
}

/// The eight words in order.
CALX_VOID split_words(const Pair& state, V& low, V& high) {
  low = state.x;
  high = state.y;
}

#include "calx/hash/quads.h"

}  // namespace

constinit const Kernel kArmv8Kernel = {
    .name = "armv8",
    .needs = "SHA2 extension",
    .lanes = kLanes,
    .supported =
        []() noexcept {
#if defined(__linux__)
          return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0;
#elif defined(__APPLE__)
          return true;  // every 64-bit Arm CPU of that maker has it
#else
          return false;
#endif
        },
    .rank = []() noexcept { return std::array<std::uint8_t, kOperationCount>{1, 1, 1, 1}; },
    .compress = compress,
    .digest_many = digest_many,
    .digest_64 = digest_64,
    .expand = expand,
    .scan = scan,
};

}  // namespace calx::hash
#endif
