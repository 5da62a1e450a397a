// The three check sums of mining hardware, computed bit by bit: frames are short and wires slow.
#pragma once

#include <cstdint>
#include <span>

namespace calx::device {

/// Polynomial 0x05, start 0x1F, most significant bit first: commands and replies of BM13xx chips.
/// Over the bytes of a reply from the first after its preamble to its last, which holds the sum in
/// its low five bits, the result is 0. That rule does not hold for commands, whose sum stands alone
/// in a byte.
std::uint8_t crc5(std::span<const std::uint8_t> bytes) noexcept;

/// CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF, not reflected): jobs of BM13xx chips.
std::uint16_t crc16_ccitt_false(std::span<const std::uint8_t> bytes) noexcept;

/// CRC-16/MODBUS (polynomial 0x8005 reflected, start 0xFFFF): Bitmain tokens.
std::uint16_t crc16_modbus(std::span<const std::uint8_t> bytes) noexcept;

}  // namespace calx::device
