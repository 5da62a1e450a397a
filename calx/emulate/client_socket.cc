#include "calx/emulate/client_socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace calx::emulate {
namespace {

std::unexpected<Error> unavailable(const char* what) {
  return fail(ErrorCode::kUnavailable, fmt::format("socket: {}: {}", what, std::strerror(errno)));
}

}  // namespace

Result<SocketAddress> resolve(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
  if (status != 0) {
    return fail(ErrorCode::kNotFound, fmt::format("host {}: {}", host, gai_strerror(status)));
  }
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(found->ai_addr);
  SocketAddress address(bytes, bytes + found->ai_addrlen);
  freeaddrinfo(found);
  return address;
}

ClientSocket::ClientSocket(ClientSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

ClientSocket& ClientSocket::operator=(ClientSocket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

Result<void> ClientSocket::connect(const SocketAddress& address) {
  close();
  sockaddr_storage storage{};
  std::memcpy(&storage, address.data(), std::min(address.size(), sizeof storage));
  descriptor_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0) return unavailable("cannot open one");
  const int on = 1;
  static_cast<void>(setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
  const int status = ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&storage),
                               static_cast<socklen_t>(address.size()));
  if (status != 0 && errno != EINPROGRESS) {
    const auto error = unavailable("cannot connect");
    close();
    return error;
  }
  return {};
}

Result<void> ClientSocket::finish_connect() {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0) return {};
  errno = error;
  return unavailable("cannot connect");
}

bool ClientSocket::read(std::string& into) {
  std::array<char, 8192> chunk;
  for (;;) {
    const ssize_t got = ::recv(descriptor_, chunk.data(), chunk.size(), 0);
    if (got > 0) {
      into.append(chunk.data(), static_cast<std::size_t>(got));
      if (static_cast<std::size_t>(got) < chunk.size()) return true;
    } else if (got < 0 && errno == EINTR) {
      continue;
    } else {
      return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
  }
}

bool ClientSocket::write(std::string& from) {
  while (!from.empty()) {
    const ssize_t sent = ::send(descriptor_, from.data(), from.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      from.erase(0, static_cast<std::size_t>(sent));
    } else if (sent < 0 && errno == EINTR) {
      continue;
    } else {
      return sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    }
  }
  return true;
}

void ClientSocket::close() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

}  // namespace calx::emulate
