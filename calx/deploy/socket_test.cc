// Goal: a deadline holds for whoever waits on a connection. Method: fault. A listener on loopback
// that never answers.
#include "calx/deploy/socket.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>

namespace calx::deploy {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Listens on loopback and never accepts.
struct Silent {
  Silent() : socket(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
  }
  void listen() const { ::listen(socket.get(), 4); }
  Socket socket;
  std::uint16_t port = 0;
};

TEST(SocketTest, NobodyAndNoSuchHostAreUnavailable) {
  const Silent deaf;  // bound, and does not listen
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  EXPECT_EQ(connect_to("127.0.0.1", deaf.port, deadline).error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(connect_to("not a host", 1, deadline).error().code, ErrorCode::kUnavailable);
}

TEST(WatchdogTest, ShutsTheConnectionWhenTheDeadlineHasPassed) {
  const Silent server;
  server.listen();
  auto socket = connect_to("127.0.0.1", server.port, Clock::now() + std::chrono::seconds(20));
  ASSERT_TRUE(socket) << socket.error().message;
  Watchdog watchdog(socket->get());
  watchdog.watch(Clock::now() + std::chrono::hours(1));
  watchdog.watch(std::nullopt);
  EXPECT_FALSE(watchdog.bitten());
  watchdog.watch(Clock::now() + milliseconds(20));
  char byte = 0;
  ssize_t got = -1;
  while (got < 0) got = ::recv(socket->get(), &byte, 1, MSG_DONTWAIT);
  EXPECT_EQ(got, 0) << "the end of the connection";
  while (!watchdog.bitten()) {
  }
}

}  // namespace
}  // namespace calx::deploy
