#include "calx/device/bitaxe_board.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "calx/device/bitaxe_control.h"

namespace calx::device {
namespace {

using std::chrono::steady_clock;
using Bytes = std::vector<std::uint8_t>;

constexpr auto kReplyWait = std::chrono::seconds(2);

// Parts and their registers. Sources: their data sheets, ESP-Miner main/power and main/thermal.
constexpr std::uint8_t kRegulator = 0x24, kDeviceId = 0xad;  // TPS546
constexpr std::uint8_t kCurrentDac = 0x48, kOutput0 = 0xf8;  // DS4432U
constexpr std::uint8_t kFan = 0x4c;                          // EMC2101
constexpr std::uint8_t kFanProduct = 0xfd, kFanConfig = 0x4a, kFanSpeed = 0x4c, kDiode = 0x01;
constexpr std::uint8_t kFanByHand = 0x23, kFanFull = 0x3f;
constexpr std::uint8_t kFanProducts[] = {0x16, 0x28};

// The regulator behind the DS4432U: its feedback voltage, its divider, the DAC's full current.
constexpr double kFeedback = 0.6, kUpperOhm = 4750, kLowerOhm = 3320, kFullAmpere = 98.921e-6;
constexpr double kCodes = 127;

class ControlPort {
 public:
  explicit ControlPort(Wire& wire) : wire_(wire) {}

  Result<Bytes> ask(BitaxeRequest request) {
    request.id = ++id_;
    CALX_TRY(wire_.write(encode(request)));
    const auto deadline = steady_clock::now() + kReplyWait;
    for (;;) {
      CALX_ASSIGN(length, bitaxe_reply_length(pending_));
      if (length && pending_.size() >= *length) {
        auto reply = parse_bitaxe_reply(std::span(pending_).first(*length));
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(*length));
        if (!reply) return std::unexpected(reply.error());
        if (reply->id == id_) return std::move(reply->data);
        continue;  // of an earlier request
      }
      std::uint8_t buffer[256];
      CALX_ASSIGN(count, wire_.read(buffer, deadline));
      if (count == 0) {
        return fail(ErrorCode::kUnavailable,
                    fmt::format("the control port did not answer within {} s",
                                std::chrono::seconds(kReplyWait).count()));
      }
      pending_.insert(pending_.end(), buffer, buffer + count);
    }
  }

  Result<void> set_reset(bool held) {
    CALX_ASSIGN(level, ask(bitaxe_pin(0, kBitaxeResetPin, !held)));
    if (level.size() == 1 && level[0] == (held ? 0 : 1)) return {};
    return fail(ErrorCode::kUnavailable, "the control port did not move the chips' reset");
  }

  Result<std::uint8_t> read(std::uint8_t part, std::uint8_t reg) {
    CALX_ASSIGN(data, ask(bitaxe_i2c_read(0, part, reg, 1)));
    if (data.size() == 1) return data[0];
    return fail(
        ErrorCode::kDataLoss,
        fmt::format("part {:02x}, register {:02x}: {} bytes, wanted 1", part, reg, data.size()));
  }

  /// Writes and reads back.
  Result<void> set(std::uint8_t part, std::uint8_t reg, std::uint8_t value) {
    const std::uint8_t bytes[] = {reg, value};
    CALX_TRY(ask(bitaxe_i2c_write(0, part, bytes)));
    CALX_ASSIGN(seen, read(part, reg));
    if (seen == value) return {};
    return fail(ErrorCode::kUnavailable,
                fmt::format("part {:02x}, register {:02x}: {:02x} after {:02x} was written", part,
                            reg, seen, value));
  }

 private:
  Wire& wire_;
  std::uint8_t id_ = 0;
  Bytes pending_;
};

Result<void> set_fan(ControlPort& port) {
  CALX_ASSIGN(product, port.read(kFan, kFanProduct));
  if (std::ranges::find(kFanProducts, product) == std::end(kFanProducts)) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("the fan's controller is product {:02x}, wanted an EMC2101 (16 or 28)",
                            product));
  }
  CALX_TRY(port.set(kFan, kFanConfig, kFanByHand));
  return port.set(kFan, kFanSpeed, kFanFull);
}

Result<void> set_voltage(ControlPort& port, const BitaxePower& power) {
  if (port.read(kRegulator, kDeviceId)) {
    return fail(ErrorCode::kUnimplemented,
                "the board has a TPS546 regulator, which this program does not configure: set it "
                "up with another one and leave control= away");
  }
  const double millivolts = clamp_mv(kind_of(power.chip), power.millivolts);
  return port.set(kCurrentDac, kOutput0, ds4432u_code(millivolts));
}

Result<void> check_temperature(ControlPort& port) {
  CALX_ASSIGN(reading, port.read(kFan, kDiode));
  const int celsius = reading < 0x80 ? reading : reading - 0x100;  // two's complement
  if (celsius >= 0 && celsius <= kBitaxeCelsiusMax) return {};
  return fail(ErrorCode::kUnavailable, fmt::format("the chip's diode says {} C, wanted 0 to {}",
                                                   celsius, kBitaxeCelsiusMax));
}

}  // namespace

std::uint8_t ds4432u_code(double millivolts) noexcept {
  // Positive: current into the divider, which lowers the output.
  const double ampere = kFeedback / kLowerOhm - (millivolts / 1000 - kFeedback) / kUpperOhm;
  const double steps = ampere / kFullAmpere * kCodes;
  const double code = std::clamp(steps > 0 ? std::ceil(steps) : std::floor(-steps), 0.0, kCodes);
  return static_cast<std::uint8_t>(static_cast<unsigned>(code) | (steps > 0 ? 0x80u : 0u));
}

Result<void> power_bitaxe(Wire& control, const BitaxePower& power) {
  ControlPort port(control);
  CALX_TRY(port.set_reset(true));
  CALX_TRY(set_fan(port));
  CALX_TRY(set_voltage(port, power));
  std::this_thread::sleep_for(power.settle);
  CALX_TRY(check_temperature(port));
  CALX_TRY(port.set_reset(false));
  std::this_thread::sleep_for(power.settle);
  return {};
}

}  // namespace calx::device
