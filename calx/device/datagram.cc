#include "calx/device/datagram.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace calx::device {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kStopLatency{50};

std::unexpected<Error> refused(const std::string& what) {
  return fail(
      ErrorCode::kUnavailable,
      fmt::format("{}: {}", what, std::error_code(errno, std::generic_category()).message()));
}

Result<sockaddr_in> socket_address(const LanAddress& address) {
  CALX_ASSIGN(ip, parse_ipv4(address.ip));
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(address.port);
  result.sin_addr.s_addr = htonl(ip);
  return result;
}

}  // namespace

Result<DatagramSocket> DatagramSocket::open(const LanAddress& local) {
  CALX_ASSIGN(address, socket_address(local));
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return refused("UDP socket");
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(descriptor, generic, size) != 0 || ::getsockname(descriptor, generic, &size) != 0) {
    auto error = refused("UDP port " + local.to_string());
    ::close(descriptor);
    return error;
  }
  return DatagramSocket(descriptor, {local.ip, ntohs(address.sin_port)});
}

DatagramSocket::~DatagramSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

DatagramSocket::DatagramSocket(DatagramSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), local_(std::move(other.local_)) {}

Result<void> DatagramSocket::send(std::span<const std::uint8_t> bytes, const LanAddress& to) const {
  CALX_ASSIGN(address, socket_address(to));
  const ssize_t sent = ::sendto(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (sent < 0) return refused("UDP to " + to.to_string());
  return {};
}

Result<void> DatagramSocket::send_through(const std::string& interface_ip,
                                          std::span<const std::uint8_t> bytes,
                                          const LanAddress& to) const {
  CALX_ASSIGN(ip, parse_ipv4(interface_ip));
  in_addr chosen{};
  chosen.s_addr = htonl(ip);
  constexpr int kHops = 255;  // RFC 6762 section 11
  if (::setsockopt(descriptor_, IPPROTO_IP, IP_MULTICAST_IF, &chosen, sizeof chosen) != 0 ||
      ::setsockopt(descriptor_, IPPROTO_IP, IP_MULTICAST_TTL, &kHops, sizeof kHops) != 0) {
    return refused("multicast through " + interface_ip);
  }
  return send(bytes, to);
}

Result<DatagramSocket::Packet> DatagramSocket::receive(std::span<std::uint8_t> out,
                                                       steady_clock::time_point deadline,
                                                       const std::stop_token& stop) const {
  for (;;) {
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "UDP: stopped");
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return fail(ErrorCode::kDeadlineExceeded, "UDP: no packet in time");
    pollfd entry{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, static_cast<int>(std::min(left, kStopLatency).count())) <= 0) continue;
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t count = ::recvfrom(descriptor_, out.data(), out.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
    if (count >= 0) return Packet{static_cast<std::size_t>(count), ntohl(from.sin_addr.s_addr)};
    // A refusal by an earlier receiver (ICMP) is no news about this one.
    if (errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED) return refused("UDP");
  }
}

}  // namespace calx::device
