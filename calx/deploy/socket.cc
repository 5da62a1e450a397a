#include "calx/deploy/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace calx::deploy {
namespace {

using Clock = std::chrono::steady_clock;

// Zero, or the number of the system's error.
int try_address(const Socket& socket, const addrinfo& address, Deadline deadline) {
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return ETIMEDOUT;
    pollfd ready{.fd = socket.get(), .events = POLLOUT, .revents = 0};
    const int count = ::poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (count < 0 && errno != EINTR) return errno;
    if (count <= 0) continue;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
  }
}

}  // namespace

Socket::~Socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}
Socket::Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Result<Socket> connect_to(const std::string& host, std::uint16_t port, Deadline deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (failed != 0) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("no address for {}: {}", host, ::gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, &::freeaddrinfo);
  int error = EHOSTUNREACH;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    Socket socket(
        ::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, at->ai_protocol));
    if (socket.get() < 0) {
      error = errno;
      continue;
    }
    error = try_address(socket, *at, deadline);
    if (error == 0) return socket;
  }
  return fail(error == ETIMEDOUT ? ErrorCode::kDeadlineExceeded : ErrorCode::kUnavailable,
              fmt::format("nobody answers at {} port {}: {}", host, port, std::strerror(error)));
}

Watchdog::Watchdog(int descriptor)
    : descriptor_(descriptor), thread_([this](const std::stop_token& stop) { guard(stop); }) {}

void Watchdog::watch(std::optional<Deadline> deadline) {
  const std::scoped_lock lock(mutex_);
  deadline_ = deadline;
  changed_.notify_one();
}

bool Watchdog::bitten() const {
  const std::scoped_lock lock(mutex_);
  return bitten_;
}

void Watchdog::guard(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (!deadline_) {
      changed_.wait(lock, stop, [this] { return deadline_.has_value(); });
    } else if (Clock::now() >= *deadline_) {
      ::shutdown(descriptor_, SHUT_RDWR);
      bitten_ = true;
      deadline_.reset();
    } else {
      const Deadline until = *deadline_;
      changed_.wait_until(lock, stop, until, [this, until] { return deadline_ != until; });
    }
  }
}

}  // namespace calx::deploy
