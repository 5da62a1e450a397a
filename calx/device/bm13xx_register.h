// The registers of BM13xx chips that the driver computes: ticket mask, clock, nonce space,
// versions.
#pragma once

#include <cstdint>

#include "calx/device/bm13xx_frame.h"
#include "calx/device/bm13xx_kind.h"

namespace calx::device {

enum Bm13xxRegister : std::uint8_t {
  kChipIdRegister = 0x00,
  kHashRateRegister = 0x04,  // BM1397
  kPllRegister = 0x08,
  kHashCountRegister = 0x10,
  kTicketMaskRegister = 0x14,
  kMiscControlRegister = 0x18,
  kFastUartRegister = 0x28,
  kCoreControlRegister = 0x3c,
  kErrorCountRegister = 0x4c,
  kPllDividerRegister = 0x70,
  kTotalCountRegister = 0x8c,  // in units of 2^32 hashes; BM1366 and later
  kVersionMaskRegister = 0xa4,
};

/// The mask that lets through hashes with `bits` zero bits above the base: difficulty 2^bits - 1 as
/// a number, most significant byte first, the bits of each byte reversed. \pre bits <= 32
RegisterValue ticket_mask(unsigned bits) noexcept;
/// The inverse. Errors: kInvalidArgument for a mask with holes.
Result<unsigned> ticket_mask_bits(const RegisterValue& value);

/// 90 00 and the sixteen bits of `mask` from bit 13 on.
RegisterValue version_mask(std::uint32_t mask) noexcept;

struct Pll {
  unsigned feedback = 0, reference = 1, post_1 = 1, post_2 = 1;
  [[nodiscard]] double mhz() const noexcept {
    return 25.0 * feedback / (reference * post_1 * post_2);
  }
  [[nodiscard]] double vco_mhz() const noexcept { return 25.0 * feedback / reference; }
};

/// The dividers nearest to `mhz`; of equals, those of the slowest oscillator. \pre mhz > 0
Pll find_pll(const Bm13xxKind& kind, double mhz) noexcept;
/// The bytes of register 08: range of the oscillator, feedback, reference, both post dividers.
RegisterValue encode_pll(const Bm13xxKind& kind, const Pll& pll) noexcept;
/// Errors: kInvalidArgument for dividers outside the row's limits.
Result<Pll> decode_pll(const Bm13xxKind& kind, const RegisterValue& value);

/// Register 10: how many nonces a core tries for a job.
///     2^32 / pow2up(cores) / pow2up(chips) * 25 / mhz * 0.5, and 268 less for BM1370
RegisterValue hash_count(const Bm13xxKind& kind, std::size_t chips, double mhz) noexcept;

/// Baud that register 18 sets on a BM1397: 25 MHz / (8 * (divider + 1)).
std::uint32_t misc_control_baud(const RegisterValue& value) noexcept;

}  // namespace calx::device
