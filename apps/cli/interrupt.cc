#include "apps/cli/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "calx/base/result.h"

namespace calx::cli {
namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

void wait_for_signals(const std::stop_token& done, std::stop_source& source) {
  const sigset_t signals = stop_signals();
  constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 100'000'000};
  while (!done.stop_requested()) {
    if (sigtimedwait(&signals, nullptr, &kPause) < 0) continue;
    if (source.stop_requested()) ::_exit(exit_status(ErrorCode::kCancelled));
    source.request_stop();
  }
}

}  // namespace

Interrupt::Interrupt() {
  // Threads made from here on inherit the mask, so only the waiter ever sees these signals.
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  waiter_ = std::jthread([this](const std::stop_token& done) { wait_for_signals(done, source_); });
}

Interrupt::~Interrupt() {
  waiter_.request_stop();
  waiter_.join();
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace calx::cli
