#include "calx/receipt/fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/base/hex.h"

namespace calx::receipt {
namespace {

constexpr std::size_t kShownCharactersMax = 40;  // of a wrong value inside a message

std::unexpected<Error> wrong(std::string_view place, std::string_view key, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}: '{}' {}", place, key, what));
}

bool lower_case_hex(std::string_view text) noexcept {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<void> hex_bytes(std::string_view text, std::string_view place, std::string_view key,
                       std::span<std::uint8_t> out) {
  if (text.size() != 2 * out.size()) {
    return wrong(
        place, key,
        fmt::format("has {} characters, wanted {} hex digits", text.size(), 2 * out.size()));
  }
  if (!lower_case_hex(text)) return wrong(place, key, "wants lower-case hex digits alone");
  return from_hex(text, out);
}

}  // namespace

Result<void> read_hex(const format::Json& object, std::string_view key, std::string_view place,
                      std::span<std::uint8_t> out) {
  CALX_ASSIGN(text, format::string_member(object, key, place));
  return hex_bytes(text, place, key, out);
}

Result<hash::Digest> read_digest(const format::Json& object, std::string_view key,
                                 std::string_view place) {
  hash::Digest digest{};
  CALX_TRY(read_hex(object, key, place, digest));
  return digest;
}

Result<std::vector<std::uint8_t>> read_bytes(const format::Json& object, std::string_view key,
                                             std::string_view place, std::size_t bytes_max) {
  CALX_ASSIGN(text, format::string_member(object, key, place));
  if (text.size() > 2 * bytes_max || text.size() % 2 != 0) {
    return wrong(place, key,
                 fmt::format("has {} characters, wanted an even number of hex digits, at most {}",
                             text.size(), 2 * bytes_max));
  }
  std::vector<std::uint8_t> bytes(text.size() / 2);
  CALX_TRY(hex_bytes(text, place, key, bytes));
  return bytes;
}

Result<std::uint32_t> read_word(const format::Json& object, std::string_view key,
                                std::string_view place) {
  std::array<std::uint8_t, 4> bytes{};
  CALX_TRY(read_hex(object, key, place, bytes));
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
         std::uint32_t{bytes[2]} << 8 | bytes[3];
}

Result<std::int64_t> read_integer(const format::Json& object, std::string_view key,
                                  std::string_view place, std::int64_t least, std::int64_t most) {
  CALX_ASSIGN(value, format::integer_member(object, key, place));
  if (value < least || value > most) {
    const auto wanted =
        least == most ? fmt::to_string(least) : fmt::format("{} to {}", least, most);
    return wrong(place, key, fmt::format("is {}, wanted {}", value, wanted));
  }
  return value;
}

Result<std::string> read_text(const format::Json& object, std::string_view key,
                              std::string_view place, std::size_t bytes_max) {
  CALX_ASSIGN(text, format::string_member(object, key, place));
  if (text.size() > bytes_max) {
    return wrong(place, key,
                 fmt::format("has {} bytes, wanted at most {} ('{}...')", text.size(), bytes_max,
                             shown(text)));
  }
  return text;
}

Result<std::vector<hash::Digest>> read_digests(const format::Json& object, std::string_view key,
                                               std::string_view place, std::size_t count_max) {
  CALX_ASSIGN(array, format::array_member(object, key, place));
  const format::Json::Elements& elements = *array->elements();
  if (elements.size() > count_max) {
    return wrong(place, key,
                 fmt::format("has {} hashes, wanted at most {}", elements.size(), count_max));
  }
  std::vector<hash::Digest> digests(elements.size());
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const std::string* text = elements[i].string();
    const std::string element = fmt::format("{}[{}]", key, i);
    if (text == nullptr) {
      return wrong(place, element,
                   fmt::format("is of kind {}, wanted a string", elements[i].kind()));
    }
    CALX_TRY(hex_bytes(*text, place, element, digests[i]));
  }
  return digests;
}

std::string shown(std::string_view text) {
  std::string out(text.substr(0, kShownCharactersMax));
  std::ranges::replace_if(out, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return out;
}

std::string word_text(std::uint32_t word) { return fmt::format("{:08x}", word); }

format::Json digests_json(std::span<const hash::Digest> digests) {
  format::Json array = format::Json::array();
  for (const hash::Digest& digest : digests) array.push(to_hex(digest));
  return array;
}

}  // namespace calx::receipt
