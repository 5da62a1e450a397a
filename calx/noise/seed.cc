#include "calx/noise/seed.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "calx/base/hex.h"

namespace calx::noise {
namespace {

// Bytes of the well-formed UTF-8 sequence at the front of `text`, or 0 (Unicode 15, table 3-7).
std::size_t utf8_sequence(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  const std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  return length;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_decimal(std::string_view text) noexcept {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

template <class Integer>
bool read_integer(std::string_view text, Integer& value) noexcept {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc{} && end == text.data() + text.size();
}

}  // namespace

Seed::Seed() : Seed(from_integer(std::uint64_t{0})) {}

Seed::Seed(SeedType type, std::vector<std::uint8_t> bytes)
    : type_(type), bytes_(std::move(bytes)) {}

Seed Seed::from_bytes(const hash::Digest& bytes) {
  return {SeedType::kBytes, {bytes.begin(), bytes.end()}};
}

Result<Seed> Seed::from_text(std::string_view text) {
  if (text.empty())
    return fail(ErrorCode::kInvalidArgument, "seed text: empty, wanted a character");
  if (text.size() > kSeedTextBytesMax) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("seed text: {} bytes, wanted at most {}",
                                                         text.size(), kSeedTextBytesMax));
  }
  if (!is_utf8(text)) {
    return fail(ErrorCode::kInvalidArgument, "seed text: not UTF-8, wanted well-formed UTF-8");
  }
  return Seed(SeedType::kText, {text.begin(), text.end()});
}

Seed Seed::from_integer(std::uint64_t value) {
  std::vector<std::uint8_t> bytes(8);
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (56 - 8 * i));
  return {SeedType::kInteger, std::move(bytes)};
}

Seed Seed::from_integer(std::int64_t value) {
  return from_integer(static_cast<std::uint64_t>(value));
}

Result<Seed> Seed::parse(std::string_view argument) {
  if (argument.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "seed: empty, wanted text, an integer or 0x + 64 digits");
  }
  if (argument.starts_with("text:")) return from_text(argument.substr(5));
  if (argument.starts_with("0x")) {
    hash::Digest bytes;
    const auto read = from_hex(argument.substr(2), bytes);
    if (!read) {
      return fail(read.error().code, fmt::format("seed '{}': {} (0x + 64 hex digits, or text:{})",
                                                 argument, read.error().message, argument));
    }
    return from_bytes(bytes);
  }
  if (!is_decimal(argument)) return from_text(argument);
  std::int64_t negative = 0;
  std::uint64_t positive = 0;
  if (argument.starts_with('-') ? read_integer(argument, negative)
                                : read_integer(argument, positive)) {
    return argument.starts_with('-') ? from_integer(negative) : from_integer(positive);
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("seed {}: out of range, wanted -2^63 to 2^64-1 (or text:{})", argument,
                          argument));
}

std::string Seed::to_string() const {
  if (type_ == SeedType::kBytes) return "0x" + to_hex(bytes_);
  if (type_ == SeedType::kInteger) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes_) value = value << 8 | byte;
    return fmt::format("{}", value);
  }
  const std::string text(bytes_.begin(), bytes_.end());
  const bool plain = !text.starts_with("0x") && !text.starts_with("text:") && !is_decimal(text);
  return plain ? text : "text:" + text;
}

}  // namespace calx::noise
