// Text as code points, strictly: RFC 3629 without surrogates and overlong forms.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace calx::format {

/// Takes the first code point of `rest` away; nullopt, and `rest` as it was, when its bytes are no
/// UTF-8. \pre !rest.empty()
std::optional<char32_t> take_code_point(std::string_view& rest) noexcept;

void append_utf8(std::string& text, char32_t code_point);

bool is_utf8(std::string_view text) noexcept;

/// The order of UTF-16 code units, which RFC 8785 sorts by: it differs from the order of bytes
/// above U+D7FF. \pre both are UTF-8
bool utf16_less(std::string_view a, std::string_view b) noexcept;

}  // namespace calx::format
