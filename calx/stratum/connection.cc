#include "calx/stratum/connection.h"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/write.hpp>

namespace calx::stratum {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr int kKeepaliveIdleSeconds = 60, kKeepaliveGapSeconds = 10, kKeepaliveProbes = 3;
constexpr int kSendBufferBytes = 32 << 10;  // the system's own grows to megabytes
constexpr int kUnacknowledgedMillisecondsMax = 30'000;

// Little memory in the system, and no delay. A peer that vanished without a word is found by the
// kernel: no acknowledgement, no connection.
void bound(tcp::socket& socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  socket.set_option(boost::asio::socket_base::send_buffer_size(kSendBufferBytes), ignored);
  const int handle = socket.native_handle();
  const auto set = [handle](int name, int value) {
    ::setsockopt(handle, IPPROTO_TCP, name, &value, sizeof value);
  };
  set(TCP_KEEPIDLE, kKeepaliveIdleSeconds);
  set(TCP_KEEPINTVL, kKeepaliveGapSeconds);
  set(TCP_KEEPCNT, kKeepaliveProbes);
  set(TCP_USER_TIMEOUT, kUnacknowledgedMillisecondsMax);
}

}  // namespace

Connection::Connection(ConnectionHost& host, const SessionRules& rules, Socket socket,
                       const tcp::endpoint& peer, std::uint32_t extranonce_1, Time now)
    : host_(host),
      rules_(rules),
      socket_(std::move(socket)),
      host_address_(peer.address().to_string()),
      address_(fmt::format(fmt::runtime(peer.address().is_v6() ? "[{}]:{}" : "{}:{}"),
                           host_address_, peer.port())),
      heard_(now),
      session_(rules, *this, extranonce_1, now),
      sent_(now) {
  bound(socket_);
}

void Connection::start() { read(); }

void Connection::read() {
  if (reading_ || closed_) return;
  reading_ = true;
  socket_.async_read_some(boost::asio::buffer(input_),
                          [self = shared_from_this()](error_code error, std::size_t bytes) {
                            self->reading_ = false;
                            if (error) return self->close("the miner hung up");
                            self->on_read(bytes);
                          });
}

void Connection::on_read(std::size_t bytes) {
  if (closed_) return;
  heard_ = std::chrono::steady_clock::now();
  session_.receive(std::string_view(input_.data(), bytes), heard_);
  send();
  if (!writing_) read();
}

void Connection::send() {
  if (closed_) return;
  if (writing_) {
    // What is being written may never arrive, so there is nothing to wait for.
    if (!session_.closing().empty()) close(session_.closing());
    return;
  }
  if (session_.output().empty()) {
    if (!session_.closing().empty()) close(session_.closing());
    return;
  }
  sending_.clear();
  sending_.swap(session_.output());
  writing_ = true;
  sent_ = std::chrono::steady_clock::now();
  boost::asio::async_write(socket_, boost::asio::buffer(sending_),
                           [self = shared_from_this()](error_code error, std::size_t) {
                             self->writing_ = false;
                             if (error) return self->close("the miner hung up");
                             self->on_sent();
                           });
}

void Connection::on_sent() {
  send();
  if (!writing_) read();
}

void Connection::publish(std::shared_ptr<const PublishedJob> job, Time now) {
  session_.publish(std::move(job), now);
  send();
}

void Connection::tick(Time now) {
  if (closed_) return;
  if (writing_ && now - sent_ > rules_.limits.write_max) {
    stalled_ = true;
    return close("it does not read what it is sent");
  }
  session_.tick(now);
  send();
}

void Connection::close(std::string_view reason) {
  if (closed_) return;
  closed_ = true;
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
  host_.on_closed(*this, reason);
}

}  // namespace calx::stratum
