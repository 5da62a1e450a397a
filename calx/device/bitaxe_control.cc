#include "calx/device/bitaxe_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

namespace calx::device {
namespace {

constexpr std::size_t kRequestHead = 6, kReplyHead = 3;
constexpr std::uint8_t kErrorMark = 0xff;
constexpr std::uint8_t kI2cWrite = 0x20, kI2cWriteRead = 0x40;

struct ErrorName {
  std::uint8_t code;
  std::string_view name;
};
constexpr ErrorName kErrors[] = {
    {0x10, "timeout"}, {0x11, "invalid request"}, {0x12, "overflow"}, {0xff, "firmware error"}};

std::string_view name_of(std::uint8_t code) noexcept {
  for (const ErrorName& error : kErrors) {
    if (error.code == code) return error.name;
  }
  return "unknown error";
}

}  // namespace

BitaxeRequest bitaxe_pin(std::uint8_t id, std::uint8_t pin, std::optional<bool> level) {
  BitaxeRequest request{.id = id, .page = BitaxePage::kPins, .command = pin};
  if (level) request.data = {static_cast<std::uint8_t>(*level ? 1 : 0)};
  return request;
}

BitaxeRequest bitaxe_i2c_write(std::uint8_t id, std::uint8_t address,
                               std::span<const std::uint8_t> bytes) {
  BitaxeRequest request{
      .id = id, .page = BitaxePage::kI2c, .command = kI2cWrite, .data = {address}};
  std::ranges::copy(bytes, std::back_inserter(request.data));
  return request;
}

BitaxeRequest bitaxe_i2c_read(std::uint8_t id, std::uint8_t address, std::uint8_t reg,
                              std::uint8_t count) {
  return {
      .id = id, .page = BitaxePage::kI2c, .command = kI2cWriteRead, .data = {address, reg, count}};
}

std::vector<std::uint8_t> encode(const BitaxeRequest& request) {
  const std::size_t total = kRequestHead + request.data.size();
  std::vector<std::uint8_t> bytes = {static_cast<std::uint8_t>(total),
                                     static_cast<std::uint8_t>(total >> 8),
                                     request.id,
                                     0,
                                     static_cast<std::uint8_t>(request.page),
                                     request.command};
  std::ranges::copy(request.data, std::back_inserter(bytes));
  return bytes;
}

Result<std::optional<std::size_t>> bitaxe_reply_length(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 2) return std::optional<std::size_t>();
  const auto data = static_cast<std::size_t>(bytes[0] | bytes[1] << 8);
  if (data > kBitaxeReplyBytesMax) {
    return fail(ErrorCode::kDataLoss, fmt::format("reply of the control port: {} bytes of data, at "
                                                  "most {} are sent",
                                                  data, kBitaxeReplyBytesMax));
  }
  return std::optional<std::size_t>(kReplyHead + data);
}

Result<BitaxeReply> parse_bitaxe_reply(std::span<const std::uint8_t> bytes) {
  CALX_ASSIGN(length, bitaxe_reply_length(bytes));
  if (!length || *length != bytes.size()) {
    return fail(ErrorCode::kDataLoss,
                fmt::format("reply of the control port: {} bytes, its length says another number",
                            bytes.size()));
  }
  const auto data = bytes.subspan(kReplyHead);
  if (data.size() >= 2 && data[0] == kErrorMark) {
    const std::string text(data.begin() + 2, data.end());
    return fail(ErrorCode::kUnavailable,
                fmt::format("control port: {} (0x{:02x}){}{}", name_of(data[1]), data[1],
                            text.empty() ? "" : ": ", text));
  }
  return BitaxeReply{.id = bytes[2], .data = {data.begin(), data.end()}};
}

}  // namespace calx::device
