#include "calx/device/descriptor_wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

namespace calx::device {
namespace {

using std::chrono::steady_clock;

constexpr auto kWriteMax = std::chrono::seconds(5);
constexpr auto kNothingPause = std::chrono::milliseconds(2);  // a driver without poll() says ready

std::string reason() { return std::error_code(errno, std::generic_category()).message(); }

// True when the descriptor is ready, false when the deadline passed.
Result<bool> wait(int descriptor, short events, Deadline deadline, const std::string& name) {
  for (;;) {
    const auto left = deadline - steady_clock::now();
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    constexpr std::int64_t kPollMax = 60'000;
    pollfd entry{.fd = descriptor, .events = events, .revents = 0};
    const int ready =
        ::poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(milliseconds, 0, kPollMax)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) {
      return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", name, reason()));
    }
    if (steady_clock::now() >= deadline) return false;
  }
}

// Linux Documentation/admin-guide/devices.txt: the ends of pseudo-terminals, old and new.
bool is_pseudo_terminal(unsigned number) noexcept {
  return number == 2 || number == 3 || (number >= 128 && number <= 143);
}

}  // namespace

Origin descriptor_origin(int descriptor) noexcept {
  struct stat status{};
  const bool device = ::fstat(descriptor, &status) == 0 && S_ISCHR(status.st_mode) &&
                      !is_pseudo_terminal(major(status.st_rdev));
  return device ? Origin::kDevice : Origin::kEmulated;
}

DescriptorWire::DescriptorWire(int descriptor, std::string name, Origin origin, ZeroRead zero)
    : descriptor_(descriptor), name_(std::move(name)), origin_(origin), zero_(zero) {}

DescriptorWire::~DescriptorWire() { ::close(descriptor_); }

Result<std::size_t> DescriptorWire::read(std::span<std::uint8_t> out, Deadline deadline) {
  for (;;) {
    CALX_ASSIGN(ready, wait(descriptor_, POLLIN, deadline, name_));
    if (!ready) return std::size_t{0};
    const ssize_t count = ::read(descriptor_, out.data(), out.size());
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0 && zero_ == ZeroRead::kClosed && !out.empty()) {
      return fail(ErrorCode::kUnavailable, name_ + ": the other end closed the connection");
    }
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", name_, reason()));
    }
    if (steady_clock::now() >= deadline) return std::size_t{0};
    if (count == 0) {
      std::this_thread::sleep_until(std::min(deadline, steady_clock::now() + kNothingPause));
    }
  }
}

Result<void> DescriptorWire::write(std::span<const std::uint8_t> bytes) {
  const auto deadline = steady_clock::now() + kWriteMax;
  while (!bytes.empty()) {
    CALX_ASSIGN(ready, wait(descriptor_, POLLOUT, deadline, name_));
    if (!ready) {
      return fail(ErrorCode::kDeadlineExceeded,
                  fmt::format("{}: {} bytes were not taken within 5 s", name_, bytes.size()));
    }
    // Only sockets know MSG_NOSIGNAL; a broken pipe elsewhere cannot raise SIGPIPE.
    ssize_t count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == ENOTSOCK) {
      count = ::write(descriptor_, bytes.data(), bytes.size());
    }
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", name_, reason()));
    }
    if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<std::unique_ptr<Wire>> open_character_device(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_EXCL | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    const bool busy = errno == EBUSY;
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                fmt::format("{}: {}{}", path.string(), reason(),
                            busy ? "; calx device doctor says who has it" : ""));
  }
  return std::make_unique<DescriptorWire>(descriptor, path.string(), descriptor_origin(descriptor),
                                          ZeroRead::kNothingYet);
}

Result<std::unique_ptr<Wire>> connect_tcp(const std::string& address, std::uint16_t port,
                                          Deadline deadline, Origin origin) {
  const std::string name = fmt::format("{}:{}", address, port);
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(port);
  if (::inet_pton(AF_INET, address.c_str(), &peer.sin_addr) != 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("address \"{}\", wanted a numeric IPv4 address", address));
  }
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", name, reason()));
  auto wire = std::make_unique<DescriptorWire>(descriptor, name, origin, ZeroRead::kClosed);
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0 &&
      errno != EINPROGRESS) {
    return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", name, reason()));
  }
  CALX_ASSIGN(ready, wait(descriptor, POLLOUT, deadline, name));
  if (!ready) {
    return fail(ErrorCode::kDeadlineExceeded, name + ": no connection within the time allowed");
  }
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    errno = error;
    return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", name, reason()));
  }
  return wire;
}

}  // namespace calx::device
