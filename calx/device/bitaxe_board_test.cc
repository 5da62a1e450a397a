// Goal: no chip leaves reset before fan, voltage and temperature are right, and no voltage outside
// the chip's table is ever written. Method: a board of registers behind a wire that speaks the
// control port, whose parts can be missing, stuck or hot; vectors of the control port (README of
// bitaxe-raw) and of the DAC (its own formula).
#include "calx/device/bitaxe_board.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "calx/base/hex.h"
#include "calx/device/bitaxe_control.h"

namespace calx::device {
namespace {

class Board final : public Wire {
 public:
  using Key = std::pair<std::uint8_t, std::uint8_t>;  // part, register
  std::map<Key, std::uint8_t> registers = {{{0x48, 0xf8}, 0x00},
                                           {{0x4c, 0xfd}, 0x28},
                                           {{0x4c, 0x4a}, 0x00},
                                           {{0x4c, 0x4c}, 0x00},
                                           {{0x4c, 0x01}, 35}};
  std::vector<std::uint8_t> stuck = {};     // registers that keep their value
  std::vector<std::uint8_t> voltages = {};  // every code that the DAC was given
  bool out_of_reset = true, silent = false;
  bool released_late = false;  // after fan and voltage

  [[nodiscard]] Origin origin() const noexcept override { return Origin::kEmulated; }
  Result<std::size_t> read(std::span<std::uint8_t> out, Deadline) override {
    const std::size_t count = std::min<std::size_t>({out.size(), reply_.size(), 2});  // in pieces
    std::copy_n(reply_.begin(), count, out.begin());
    reply_.erase(reply_.begin(), reply_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }
  Result<void> write(std::span<const std::uint8_t> bytes) override {
    EXPECT_EQ(bytes[0], bytes.size());
    if (silent) return {};
    const auto data = bytes.subspan(6);
    std::vector<std::uint8_t> answer;
    if (bytes[4] == 6) {
      EXPECT_EQ(bytes[5], 0) << "the reset pin";
      out_of_reset = data[0] != 0;
      if (out_of_reset) released_late = registers[{0x4c, 0x4c}] == 0x3f && !voltages.empty();
      answer = {data[0]};
    } else if (!i2c(bytes[5], data, answer)) {
      answer = {0xff, 0x10};
    }
    reply_ = {static_cast<std::uint8_t>(answer.size()), 0, bytes[2]};
    reply_.insert(reply_.end(), answer.begin(), answer.end());
    return {};
  }

 private:
  bool i2c(std::uint8_t command, std::span<const std::uint8_t> data,
           std::vector<std::uint8_t>& answer) {
    const Key key{data[0], data[1]};
    if (!registers.contains(key)) return false;
    if (command == 0x40) {
      answer = {registers[key]};
      return true;
    }
    EXPECT_EQ(command, 0x20);
    if (key.first == 0x48) voltages.push_back(data[2]);
    if (std::ranges::find(stuck, key.second) == stuck.end()) registers[key] = data[2];
    return true;
  }
  std::vector<std::uint8_t> reply_;
};

BitaxePower quick(double millivolts) {
  return {
      .chip = Bm13xx::kBm1366, .millivolts = millivolts, .settle = std::chrono::milliseconds(0)};
}

// What the divider makes of a code.
double volts(std::uint8_t code) {
  const double ampere = (code & 0x7f) / 127.0 * 98.921e-6 * (code & 0x80 ? 1 : -1);
  return 0.6 + 4750 * (0.6 / 3320 - ampere);
}

TEST(BitaxeBoardTest, TheRequestsOfI2cAreThoseOfItsReadme) {
  const std::uint8_t byte[] = {0xde};
  EXPECT_EQ(to_hex(encode(bitaxe_i2c_write(1, 0x4f, byte))), "0800010005204fde");
  EXPECT_EQ(to_hex(encode(bitaxe_i2c_read(1, 0x32, 0xfe, 2))), "09000100054032fe02");
}

TEST(BitaxeBoardTest, TheVoltageIsNeverAboveTheOneAskedFor) {
  for (int millivolts = 1000; millivolts <= 1700; ++millivolts) {
    const double made = 1000 * volts(ds4432u_code(millivolts));
    EXPECT_LE(made, millivolts + 1e-6);
    EXPECT_GT(made, millivolts - 3.8);
  }
}

TEST(BitaxeBoardTest, ChipsLeaveResetLast) {
  Board board;
  const auto done = power_bitaxe(board, quick(1200));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(board.out_of_reset);
  EXPECT_TRUE(board.released_late);
  EXPECT_NEAR(volts(board.registers[{0x48, 0xf8}]), 1.198, 0.002);
}

TEST(BitaxeBoardTest, VoltagesStayInsideTheTable) {
  const auto& kind = kind_of(Bm13xx::kBm1366);
  for (const double millivolts : {0.0, 500.0, 1099.0, 1301.0, 5000.0, 1e9}) {
    Board board;
    ASSERT_TRUE(power_bitaxe(board, quick(millivolts)));
    for (const std::uint8_t code : board.voltages) {
      EXPECT_LE(1000 * volts(code), kind.mv_max);
      EXPECT_GT(1000 * volts(code), kind.mv_min - 3.8);
    }
  }
}

TEST(BitaxeBoardTest, WhateverFailsLeavesTheChipsInReset) {
  const auto error_of = [](auto&& spoil) {
    Board board;
    spoil(board);
    const auto done = power_bitaxe(board, quick(1200));
    EXPECT_FALSE(done);
    EXPECT_FALSE(board.out_of_reset);
    return done ? std::string() : done.error().message;
  };
  using testing::HasSubstr;
  EXPECT_THAT(error_of([](Board& b) { b.registers[{0x4c, 0x01}] = 95; }), HasSubstr("95 C"));
  EXPECT_THAT(error_of([](Board& b) { b.registers[{0x4c, 0x01}] = 0x80; }), HasSubstr("-128 C"));
  EXPECT_THAT(error_of([](Board& b) { b.registers[{0x4c, 0xfd}] = 0x5d; }), HasSubstr("5d"));
  EXPECT_THAT(error_of([](Board& b) { b.registers.erase({0x4c, 0xfd}); }), HasSubstr("timeout"));
  EXPECT_THAT(error_of([](Board& b) { b.registers.erase({0x48, 0xf8}); }), HasSubstr("timeout"));
  EXPECT_THAT(error_of([](Board& b) { b.stuck = {0xf8}; }), HasSubstr("register f8: 00 after"));
  EXPECT_THAT(error_of([](Board& b) { b.registers[{0x24, 0xad}] = 0x54; }), HasSubstr("TPS546"));
}

TEST(BitaxeBoardTest, ASilentPortIsAnError) {
  Board board;
  board.silent = true;
  EXPECT_EQ(power_bitaxe(board, quick(1200)).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace calx::device
