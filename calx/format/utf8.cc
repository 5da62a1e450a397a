#include "calx/format/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace calx::format {
namespace {

struct Lead {
  std::size_t bytes;
  char32_t bits;
  char32_t least;  // what needs this many bytes
};

std::optional<Lead> parse_lead(std::uint8_t byte) noexcept {
  if (byte < 0x80) return Lead{1, byte, 0};
  if (byte >= 0xc0 && byte < 0xe0) return Lead{2, byte & 0x1fu, 0x80};
  if (byte >= 0xe0 && byte < 0xf0) return Lead{3, byte & 0x0fu, 0x800};
  if (byte >= 0xf0 && byte < 0xf8) return Lead{4, byte & 0x07u, 0x10000};
  return std::nullopt;
}

bool is_ascii(char byte) noexcept { return static_cast<std::uint8_t>(byte) < 0x80; }

// Moves U+E000 to U+FFFF behind the code points that UTF-16 writes with surrogates.
char32_t utf16_rank(char32_t code_point) noexcept {
  const bool behind = code_point >= 0xe000 && code_point <= 0xffff;
  return behind ? code_point + 0x110000 : code_point;
}

}  // namespace

std::optional<char32_t> take_code_point(std::string_view& rest) noexcept {
  const auto lead = parse_lead(static_cast<std::uint8_t>(rest[0]));
  if (!lead || rest.size() < lead->bytes) return std::nullopt;
  char32_t code_point = lead->bits;
  for (std::size_t i = 1; i < lead->bytes; ++i) {
    const auto byte = static_cast<std::uint8_t>(rest[i]);
    if ((byte & 0xc0) != 0x80) return std::nullopt;
    code_point = code_point << 6 | (byte & 0x3fu);
  }
  const bool surrogate = code_point >= 0xd800 && code_point < 0xe000;
  if (code_point < lead->least || code_point > 0x10ffff || surrogate) return std::nullopt;
  rest.remove_prefix(lead->bytes);
  return code_point;
}

void append_utf8(std::string& text, char32_t code_point) {
  const auto tail = [&](int shift) {
    text += static_cast<char>(0x80 | (code_point >> shift & 0x3f));
  };
  if (code_point < 0x80) {
    text += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    text += static_cast<char>(0xc0 | code_point >> 6);
    tail(0);
  } else if (code_point < 0x10000) {
    text += static_cast<char>(0xe0 | code_point >> 12);
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xf0 | code_point >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

bool is_utf8(std::string_view text) noexcept {
  // Nearly all text of a receipt is ASCII.
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  for (std::uint64_t eight = 0; text.size() >= sizeof(eight); text.remove_prefix(sizeof(eight))) {
    std::memcpy(&eight, text.data(), sizeof(eight));
    if ((eight & kHighBits) != 0) break;
  }
  while (!text.empty()) {
    if (is_ascii(text[0])) {
      text.remove_prefix(1);
    } else if (!take_code_point(text)) {
      return false;
    }
  }
  return true;
}

bool utf16_less(std::string_view a, std::string_view b) noexcept {
  // Keys are ASCII nearly always, and a byte of ASCII is never part of another code point.
  const auto [x, y] = std::ranges::mismatch(a, b);
  if (x == a.end() || y == b.end()) return x == a.end() && y != b.end();
  if (is_ascii(*x) && is_ascii(*y)) return *x < *y;
  while (!a.empty() && !b.empty()) {
    const char32_t left = utf16_rank(take_code_point(a).value_or(0));
    const char32_t right = utf16_rank(take_code_point(b).value_or(0));
    if (left != right) return left < right;
  }
  return a.empty() && !b.empty();
}

}  // namespace calx::format
