#include "calx/device/crc.h"

namespace calx::device {

std::uint8_t crc5(std::span<const std::uint8_t> bytes) noexcept {
  unsigned crc = 0x1f;
  for (const std::uint8_t byte : bytes) {
    for (int bit = 7; bit >= 0; --bit) {
      const bool carry = ((crc >> 4 ^ byte >> bit) & 1u) != 0;
      crc = crc << 1 & 0x1fu;
      if (carry) crc ^= 0x05;
    }
  }
  return static_cast<std::uint8_t>(crc);
}

std::uint16_t crc16_ccitt_false(std::span<const std::uint8_t> bytes) noexcept {
  unsigned crc = 0xffff;
  for (const std::uint8_t byte : bytes) {
    crc ^= static_cast<unsigned>(byte) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1 ^ ((crc & 0x8000u) ? 0x1021u : 0)) & 0xffffu;
  }
  return static_cast<std::uint16_t>(crc);
}

std::uint16_t crc16_modbus(std::span<const std::uint8_t> bytes) noexcept {
  unsigned crc = 0xffff;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1u) ? 0xa001u : 0);
  }
  return static_cast<std::uint16_t>(crc);
}

}  // namespace calx::device
