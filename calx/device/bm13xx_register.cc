#include "calx/device/bm13xx_register.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "calx/base/assert.h"
#include "calx/base/hex.h"
#include "calx/hash/big_endian.h"

namespace calx::device {
namespace {

constexpr unsigned kReferenceMax = 2, kPostMax = 7;
constexpr double kFastVcoMhz = 2400;

constexpr std::uint8_t reversed(unsigned byte) noexcept {
  unsigned result = 0;
  for (unsigned bit = 0; bit < 8; ++bit) result |= (byte >> bit & 1u) << (7 - bit);
  return static_cast<std::uint8_t>(result);
}

RegisterValue big_endian(std::uint32_t value) noexcept {
  RegisterValue bytes{};
  hash::store_be32(bytes.data(), value);
  return bytes;
}

// BM1397 stores post dividers as they are, later chips less one.
unsigned post_offset(const Bm13xxKind& kind) noexcept {
  return kind.chip == Bm13xx::kBm1397 ? 0 : 1;
}

}  // namespace

RegisterValue ticket_mask(unsigned bits) noexcept {
  CALX_ASSERT(bits <= 32);
  RegisterValue value = big_endian(bits == 32 ? 0xffffffffu : (1u << bits) - 1);
  for (std::uint8_t& byte : value) byte = reversed(byte);
  return value;
}

Result<unsigned> ticket_mask_bits(const RegisterValue& value) {
  RegisterValue plain{};
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = reversed(value[i]);
  const std::uint32_t mask = hash::load_be32(plain.data());
  if ((mask & (mask + 1)) != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("ticket mask {} has holes, wanted a difficulty that is a power of two",
                            to_hex(value)));
  }
  return static_cast<unsigned>(std::popcount(mask));
}

RegisterValue version_mask(std::uint32_t mask) noexcept {
  return big_endian(0x90000000u | (mask >> 13 & 0xffffu));
}

Pll find_pll(const Bm13xxKind& kind, double mhz) noexcept {
  constexpr double kSame = 1e-9;
  Pll best;
  double best_off = HUGE_VAL;
  for (unsigned reference = kReferenceMax; reference >= 1; --reference) {
    for (unsigned post_1 = kPostMax; post_1 >= 2; --post_1) {
      for (unsigned post_2 = post_1 - 1; post_2 >= 1; --post_2) {
        const double wanted = mhz * reference * post_1 * post_2 / 25.0;
        if (wanted < 1 || wanted > 255) continue;
        const Pll pll{static_cast<unsigned>(std::lround(wanted)), reference, post_1, post_2};
        if (pll.feedback < kind.pll_fb_min || pll.feedback > kind.pll_fb_max) continue;
        const double off = std::abs(pll.mhz() - mhz);
        const bool slower = off < best_off + kSame && pll.vco_mhz() < best.vco_mhz();
        if (off < best_off - kSame || slower) best = pll, best_off = off;
      }
    }
  }
  return best;
}

RegisterValue encode_pll(const Bm13xxKind& kind, const Pll& pll) noexcept {
  const unsigned offset = post_offset(kind);
  const bool fast = kind.chip != Bm13xx::kBm1397 && pll.vco_mhz() >= kFastVcoMhz;
  return {static_cast<std::uint8_t>(fast ? 0x50 : 0x40), static_cast<std::uint8_t>(pll.feedback),
          static_cast<std::uint8_t>(pll.reference),
          static_cast<std::uint8_t>((pll.post_1 - offset) << 4 | (pll.post_2 - offset))};
}

Result<Pll> decode_pll(const Bm13xxKind& kind, const RegisterValue& value) {
  const unsigned offset = post_offset(kind);
  const Pll pll{value[1], value[2], (value[3] >> 4) + offset, (value[3] & 0x0f) + offset};
  const bool right = pll.feedback >= kind.pll_fb_min && pll.feedback <= kind.pll_fb_max &&
                     pll.reference >= 1 && pll.reference <= kReferenceMax && pll.post_2 >= 1 &&
                     pll.post_1 > pll.post_2 && pll.post_1 <= kPostMax &&
                     encode_pll(kind, pll) == value;
  if (!right) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("clock register {}: dividers {} / {} / {} / {} are out of the limits "
                    "of {}",
                    to_hex(value), pll.feedback, pll.reference, pll.post_1, pll.post_2, kind.name));
  }
  return pll;
}

RegisterValue hash_count(const Bm13xxKind& kind, std::size_t chips, double mhz) noexcept {
  constexpr double kBm1370Less = 268;
  double count = 0x1p32 / static_cast<double>(std::bit_ceil(kind.cores)) /
                 static_cast<double>(std::bit_ceil(chips)) * 25.0 / mhz * 0.5;
  if (kind.chip == Bm13xx::kBm1370) count -= kBm1370Less;
  return big_endian(static_cast<std::uint32_t>(count));
}

std::uint32_t misc_control_baud(const RegisterValue& value) noexcept {
  return 25'000'000u / (8u * ((value[2] & 0x1fu) + 1u));
}

}  // namespace calx::device
