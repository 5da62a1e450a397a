// Commands on another machine.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "calx/base/result.h"

namespace calx::deploy {

using Deadline = std::chrono::steady_clock::time_point;

/// Of what a command may print, each on its output and on its error output.
inline constexpr std::size_t kOutputBytesMax = 64 * 1024;

struct Outcome {
  int status = 0;  // of the shell; -1 when a signal ended it
  std::string out = {}, err = {};
};

class Shell {
 public:
  Shell() = default;
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;
  virtual ~Shell() = default;

  /// Runs `script` in a POSIX shell there, with `input` as its standard input. Any status is an
  /// outcome. After an error the next call begins anew, with a new connection if there is one.
  /// Errors: kUnavailable (no connection, or it broke), kDeadlineExceeded, kResourceExhausted
  /// (more output than out_max).
  virtual Result<Outcome> run(std::string_view script, std::span<const std::uint8_t> input,
                              std::size_t out_max, Deadline deadline) = 0;
};

/// One word of a POSIX shell that stands for exactly this text.
std::string shell_word(std::string_view text);

}  // namespace calx::deploy
