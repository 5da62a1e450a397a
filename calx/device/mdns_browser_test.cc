// Goal: services announced on a network are found, whether one answer says all or must be asked on.
// Method: a responder on loopback, asked directly; and one that has joined the group on the
// loopback interface of a network of its own, made for the test (skipped where the system makes
// none).
#include "calx/device/mdns_browser.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <thread>

#include "calx/device/mdns_packet.h"

namespace calx::device {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Answers every query until it ends; a terse one names no more than the instance when it is asked
// who is there.
class Responder {
 public:
  Responder(const char* ip, std::uint16_t port, bool join, bool terse, bool junk)
      : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in self{};
    self.sin_family = AF_INET;
    self.sin_port = htons(port);
    ::inet_pton(AF_INET, ip, &self.sin_addr);
    socklen_t size = sizeof self;
    bound_ = ::bind(socket_, reinterpret_cast<sockaddr*>(&self), size) == 0;
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&self), &size);
    port_ = ntohs(self.sin_port);
    if (join) {
      ip_mreq request{};
      ::inet_pton(AF_INET, "224.0.0.251", &request.imr_multiaddr);
      ::inet_pton(AF_INET, "127.0.0.1", &request.imr_interface);
      bound_ = bound_ &&
               ::setsockopt(socket_, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0;
    }
    const timeval pause{.tv_sec = 0, .tv_usec = 20'000};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &pause, sizeof pause);
    thread_ = std::jthread([=, this](const std::stop_token& stop) { serve(stop, terse, junk); });
  }
  ~Responder() {
    thread_.request_stop();
    thread_.join();
    ::close(socket_);
  }
  [[nodiscard]] bool bound() const { return bound_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  void serve(const std::stop_token& stop, bool terse, bool junk) {
    while (!stop.stop_requested()) {
      std::uint8_t query[1500];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t count =
          ::recvfrom(socket_, query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (count < 16) continue;
      const auto send = [&](const Bytes& bytes) {
        ::sendto(socket_, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
      };
      if (junk) send(Bytes(40, 0xc0));
      const bool who = query[count - 3] == static_cast<int>(DnsType::kPtr);
      send(bitaxe_packet(8080, !(terse && who)).bytes());
    }
  }

  int socket_;
  bool bound_ = false;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

void expect_bitaxe(const Result<std::vector<MdnsService>>& found) {
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().instance, "bitaxe gamma 601 (1a2b)");
  EXPECT_EQ(found->front().address, (LanAddress{"127.0.0.1", 8080}));
}

MdnsOptions asking(const Responder& responder) {
  return {.responder = LanAddress{"127.0.0.1", responder.port()},
          .wait = std::chrono::milliseconds(800)};
}

TEST(MdnsBrowserTest, AResponderIsAskedDirectly) {
  const Responder responder("127.0.0.1", 0, false, false, true);
  expect_bitaxe(browse_mdns(asking(responder), {}));
}

TEST(MdnsBrowserTest, WhatTheFirstAnswerLacksIsAskedFor) {
  const Responder responder("127.0.0.1", 0, false, true, false);
  expect_bitaxe(browse_mdns(asking(responder), {}));
}

TEST(MdnsBrowserTest, SilenceIsAnEmptyListAndAStopEndsIt) {
  MdnsOptions nobody{.responder = LanAddress{"127.0.0.1", 9},
                     .wait = std::chrono::milliseconds(60)};
  const auto none = browse_mdns(nobody, {});
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_TRUE(none->empty());
  nobody.wait = std::chrono::hours(1);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(browse_mdns(nobody, stop.get_token()));
}

// qemu-user passes some options of a socket on and not others.
bool can_choose_multicast_interface() {
  const int probe = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  in_addr loopback{};
  loopback.s_addr = htonl(INADDR_LOOPBACK);
  const bool can =
      ::setsockopt(probe, IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback) == 0;
  ::close(probe);
  return can;
}

// Gives the calling thread a network with nothing but loopback, which then carries multicast.
bool own_network() {
  if (::unshare(CLONE_NEWNET) != 0) return false;
  const int control = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_MULTICAST | IFF_LOOPBACK;
  const bool up = ::ioctl(control, SIOCSIFFLAGS, &request) == 0;
  ::close(control);
  return up;
}

TEST(MdnsBrowserTest, TheGroupAnswersOnANetworkOfItsOwn) {
  std::string skipped;
  std::thread([&skipped] {
    if (!own_network()) {
      skipped = "no network namespace can be made here (root is needed)";
      return;
    }
    const Responder responder("0.0.0.0", 5353, true, false, false);
    if (!responder.bound() || !can_choose_multicast_interface()) {
      skipped = "loopback carries no multicast here";
      return;
    }
    expect_bitaxe(browse_mdns({.wait = std::chrono::milliseconds(800)}, {}));
  }).join();
  if (!skipped.empty()) GTEST_SKIP() << skipped;
}

}  // namespace
}  // namespace calx::device
