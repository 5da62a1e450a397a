// The control port of bitaxe-raw firmware (ttyACM0): pins, I2C and analogue inputs of a board whose
// chips the host drives over the other port. Pure functions.
//
//     request   u16 total length | id | bus 0 | page | command | data       little-endian
//     reply     u16 length of data alone | id | data, or FF and an error code
//
// Sources: mujina mgmt_protocol/bitaxe_raw/PROTOCOL.md; README.md of bitaxeorg/bitaxe-raw (the
// commands of I2C, with examples). No board was at hand: untested on hardware.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "calx/base/result.h"

namespace calx::device {

enum class BitaxePage : std::uint8_t { kI2c = 5, kPins = 6, kAnalogue = 7 };

inline constexpr std::uint8_t kBitaxeResetPin = 0;  // of the chips; active low
inline constexpr std::size_t kBitaxeReplyBytesMax = 256;

struct BitaxeRequest {
  std::uint8_t id = 0;
  BitaxePage page = BitaxePage::kPins;
  std::uint8_t command = 0;  // of a pin: its number
  std::vector<std::uint8_t> data = {};
};

/// Sets a pin, or without a level asks for it.
BitaxeRequest bitaxe_pin(std::uint8_t id, std::uint8_t pin, std::optional<bool> level);

/// Writes bytes to the part at this 7-bit address.
BitaxeRequest bitaxe_i2c_write(std::uint8_t id, std::uint8_t address,
                               std::span<const std::uint8_t> bytes);
/// Writes the number of a register to the part and reads `count` bytes from it.
BitaxeRequest bitaxe_i2c_read(std::uint8_t id, std::uint8_t address, std::uint8_t reg,
                              std::uint8_t count);

std::vector<std::uint8_t> encode(const BitaxeRequest& request);

struct BitaxeReply {
  std::uint8_t id = 0;
  std::vector<std::uint8_t> data = {};
};

/// One whole reply. Errors: kDataLoss (length), kUnavailable with the firmware's code and message.
/// A reply whose only data byte is FF is data.
Result<BitaxeReply> parse_bitaxe_reply(std::span<const std::uint8_t> bytes);

/// Bytes of the reply that begins here; nothing before its length has come.
/// Errors: kDataLoss above kBitaxeReplyBytesMax.
Result<std::optional<std::size_t>> bitaxe_reply_length(std::span<const std::uint8_t> bytes);

}  // namespace calx::device
