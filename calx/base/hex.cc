#include "calx/base/hex.h"

#include <fmt/format.h>

namespace calx {
namespace {

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(std::span<const std::uint8_t> bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(bytes.size() * 2, '0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text[2 * i] = kDigits[bytes[i] >> 4];
    text[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return text;
}

Result<void> from_hex(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() != out.size() * 2) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("hex text: {} digits, wanted {}", text.size(), out.size() * 2));
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit_value(text[2 * i]);
    const int low = digit_value(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("hex text: no hexadecimal digit at position {}",
                              high < 0 ? 2 * i : 2 * i + 1));
    }
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return {};
}

Result<std::vector<std::uint8_t>> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("hex text: {} digits, wanted an even number", text.size()));
  }
  std::vector<std::uint8_t> bytes(text.size() / 2);
  CALX_TRY(from_hex(text, bytes));
  return bytes;
}

}  // namespace calx
