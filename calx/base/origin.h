// Who made a number: set once by the engine, carried with every digest, stamp, latent and report.
#pragma once

#include <cstdint>
#include <string_view>

#include "calx/base/result.h"

namespace calx {

/// In order of strength. An engine sets its own; nothing raises it.
enum class Origin : std::uint8_t {
  kModelled,  // a formula said what a machine would do
  kEmulated,  // our emulator spoke a machine's wire bytes
  kSoftware,  // this program computed it
  kDevice,    // a machine answered over its own wire, and the host re-checked the answer
};

/// "modelled", "emulated", "software" or "device".
std::string_view to_string(Origin origin) noexcept;

/// The inverse. Errors: kInvalidArgument for any other word.
Result<Origin> parse_origin(std::string_view word);

/// The origin of a thing made of two parts: the earlier one in the list above.
constexpr Origin combine(Origin a, Origin b) noexcept { return a < b ? a : b; }

}  // namespace calx
