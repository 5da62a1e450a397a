#include "apps/cli/engine_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace calx::cli {

Result<EngineText> EngineText::parse(std::string_view text, std::vector<std::string_view> known) {
  EngineText parsed;
  std::size_t comma = text.find(',');
  parsed.address_ = text.substr(0, comma);
  while (comma != std::string_view::npos) {
    text.remove_prefix(comma + 1);
    comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t equals = part.find('=');
    const std::string_view key = part.substr(0, equals);
    if (equals == std::string_view::npos || std::ranges::find(known, key) == known.end()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("\"{}\" is not known behind \"{}\": {}=", part, parsed.address_,
                              fmt::join(known, "=, ")));
    }
    if (parsed.find(key)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("\"{}=\" is given twice behind \"{}\"", key, parsed.address_));
    }
    parsed.words_.push_back({std::string(key), std::string(part.substr(equals + 1))});
  }
  return parsed;
}

std::optional<std::string> EngineText::find(std::string_view key) const {
  const auto found = std::ranges::find(words_, key, &Word::key);
  if (found == words_.end()) return std::nullopt;
  return found->value;
}

Result<std::uint32_t> EngineText::number(std::string_view key, std::uint32_t otherwise,
                                         std::uint32_t min, std::uint32_t max) const {
  const auto text = find(key);
  if (!text) return otherwise;
  std::uint32_t value = 0;
  const char* last = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), last, value);
  if (text->empty() || error != std::errc() || end != last || value < min || value > max) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}={} behind \"{}\", wanted a whole number of {} to {}", key, *text,
                            address_, min, max));
  }
  return value;
}

}  // namespace calx::cli
