#include "calx/base/origin.h"

#include <fmt/format.h>

#include <array>

namespace calx {
namespace {
constexpr std::array<std::string_view, 4> kNames = {"modelled", "emulated", "software", "device"};
}

std::string_view to_string(Origin origin) noexcept {
  return kNames[static_cast<std::size_t>(origin)];
}

Result<Origin> parse_origin(std::string_view word) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (word == kNames[i]) return static_cast<Origin>(i);
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("origin '{}': wanted modelled, emulated, software or device", word));
}

}  // namespace calx
