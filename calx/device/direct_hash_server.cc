#include "calx/device/direct_hash_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <vector>

#include "calx/device/descriptor_wire.h"
#include "calx/device/direct_hash_engine.h"

namespace calx::device {
namespace {

constexpr int kPollMs = 20;  // how soon a stop is seen
constexpr int kBacklog = 16;

std::string reason() { return std::error_code(errno, std::generic_category()).message(); }

// One host and the machine that it talks to.
struct Host {
  explicit Host(int socket)
      : descriptor(socket),
        wire(socket, "a host of calx-hash-1", Origin::kEmulated, ZeroRead::kClosed) {}

  // False when it is to be hung up on.
  bool serve() {
    std::uint8_t buffer[64 * 1024];
    const auto count = wire.read(buffer, std::chrono::steady_clock::now());
    if (!count) return false;
    machine.receive(std::span(buffer).first(*count));
    const auto answer = machine.take_output();
    return answer.empty() || wire.write(answer);
  }

  int descriptor;
  DescriptorWire wire;
  DirectHashDevice machine;
};

}  // namespace

Result<std::unique_ptr<DirectHashServer>> DirectHashServer::listen(const LanAddress& where) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) return fail(ErrorCode::kUnavailable, fmt::format("no socket: {}", reason()));
  std::unique_ptr<DirectHashServer> server(new DirectHashServer(listener, where));
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in self{};
  self.sin_family = AF_INET;
  self.sin_port = htons(where.port);
  ::inet_pton(AF_INET, where.ip.c_str(), &self.sin_addr);
  auto* address = reinterpret_cast<sockaddr*>(&self);
  socklen_t size = sizeof self;
  if (::bind(listener, address, size) != 0 || ::listen(listener, kBacklog) != 0 ||
      ::getsockname(listener, address, &size) != 0) {
    return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", where.to_string(), reason()));
  }
  server->address_.port = ntohs(self.sin_port);
  return server;
}

DirectHashServer::~DirectHashServer() { ::close(listener_); }

Result<void> DirectHashServer::serve(std::stop_token stop) {
  std::vector<std::unique_ptr<Host>> hosts;
  while (!stop.stop_requested()) {
    std::vector<pollfd> entries{{.fd = listener_, .events = POLLIN, .revents = 0}};
    for (const auto& host : hosts) {
      entries.push_back({.fd = host->descriptor, .events = POLLIN, .revents = 0});
    }
    if (::poll(entries.data(), entries.size(), kPollMs) <= 0) continue;
    for (std::size_t i = hosts.size(); i-- > 0;) {
      if (entries[i + 1].revents == 0 || hosts[i]->serve()) continue;
      hosts.erase(hosts.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (entries[0].revents == 0) continue;
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0 && (errno == EBADF || errno == EINVAL)) {
      return fail(ErrorCode::kUnavailable, fmt::format("{}: {}", address_.to_string(), reason()));
    }
    if (socket < 0) continue;
    const int on = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto host = std::make_unique<Host>(socket);
    if (hosts.size() < kDirectHashHostsMax) hosts.push_back(std::move(host));
  }
  return {};
}

}  // namespace calx::device
