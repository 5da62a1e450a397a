// What strangers wrote, made harmless for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace calx::cli {

/// The same text with every control byte as "?", cut to what a line can bear.
inline std::string terminal_text(std::string_view text) {
  constexpr std::size_t kShownMax = 200;
  std::string shown(text.substr(0, kShownMax));
  for (char& c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = '?';
  }
  return shown;
}

}  // namespace calx::cli
