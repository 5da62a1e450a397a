// Ctrl-C as a stop request: long verbs finish the step they are at and leave valid files.
#pragma once

#include <stop_token>
#include <thread>

namespace calx::cli {

/// While it lives, the first SIGINT or SIGTERM requests a stop; the second ends the program at once
/// with status 130. Make it before any other thread starts.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }
  [[nodiscard]] bool requested() const noexcept { return source_.stop_requested(); }

 private:
  std::stop_source source_;
  std::jthread waiter_;
};

}  // namespace calx::cli
