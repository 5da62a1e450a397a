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
    : descriptor_(std::exchange(other.descriptor_, -1)),
      context_(std::move(other.context_)),
      name_(std::move(other.name_)),
      tls_(std::move(other.tls_)),
      wants_to_read_(other.wants_to_read_) {}

ClientSocket& ClientSocket::operator=(ClientSocket&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(context_, other.context_);
  std::swap(name_, other.name_);
  std::swap(tls_, other.tls_);
  std::swap(wants_to_read_, other.wants_to_read_);
  return *this;
}

Result<void> ClientSocket::connect(const SocketAddress& address,
                                   std::shared_ptr<const tls::Context> context, std::string name) {
  close();
  context_ = std::move(context);
  name_ = std::move(name);
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

Result<bool> ClientSocket::finish_connect() {
  if (!tls_) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) {
      errno = error;
      return unavailable("cannot connect");
    }
    if (!context_) return true;
    CALX_ASSIGN(stream, tls::Stream::connect(context_, descriptor_, name_));
    tls_ = std::move(stream);
  }
  const tls::Step step = tls_->handshake();
  wants_to_read_ = step == tls::Step::kWantsRead;
  if (step == tls::Step::kDone) return true;
  if (step == tls::Step::kWantsRead || step == tls::Step::kWantsWrite) return false;
  return fail(ErrorCode::kUnavailable, fmt::format("TLS with {}: {}", name_, tls_->failure()));
}

bool ClientSocket::read_secure(std::string& into) {
  std::array<char, 8192> chunk;
  for (;;) {
    std::size_t got = 0;
    const tls::Step step = tls_->read(chunk, got);
    if (step != tls::Step::kDone) {
      return step == tls::Step::kWantsRead || step == tls::Step::kWantsWrite;
    }
    into.append(chunk.data(), got);
  }
}

bool ClientSocket::write_secure(std::string& from) {
  while (!from.empty()) {
    std::size_t sent = 0;
    const tls::Step step = tls_->write(from, sent);
    if (step != tls::Step::kDone) {
      return step == tls::Step::kWantsRead || step == tls::Step::kWantsWrite;
    }
    from.erase(0, sent);
  }
  return true;
}

bool ClientSocket::read(std::string& into) {
  if (tls_) return read_secure(into);
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
  if (tls_) return write_secure(from);
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
  if (tls_) tls_->finish();
  tls_.reset();
  wants_to_read_ = false;
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

}  // namespace calx::emulate
