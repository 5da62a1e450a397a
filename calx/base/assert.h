// Programmer's mistakes stop the program, in release builds too. Never used on input.
#pragma once

namespace calx {

/// Prints the broken condition with its place to stderr and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace calx

#define CALX_ASSERT(condition)                         \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::calx::assertion_failed(#condition, __FILE__, __LINE__))
