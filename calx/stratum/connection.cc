#include "calx/stratum/connection.h"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace calx::stratum {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr int kKeepaliveIdleSeconds = 60, kKeepaliveGapSeconds = 10, kKeepaliveProbes = 3;
constexpr int kSendBufferBytes = 32 << 10;  // the system's own grows to megabytes
constexpr int kUnacknowledgedMillisecondsMax = 30'000;
constexpr int kUnreadChunksMax = 16;  // of 4 KiB, thrown away before a refused client is closed

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
      began_(now),
      sent_(now) {
  bound(socket_);
}

void Connection::start() {
  if (!tls_) return read();
  error_code ignored;
  socket_.non_blocking(true, ignored);
  handshake();
}

bool Connection::wait(tls::Step step, void (Connection::*next)()) {
  if (step != tls::Step::kWantsRead && step != tls::Step::kWantsWrite) return false;
  const auto what = step == tls::Step::kWantsRead ? Socket::wait_read : Socket::wait_write;
  socket_.async_wait(what, [self = shared_from_this(), next](error_code error) {
    if (error) return self->close("the miner hung up");
    (self.get()->*next)();
  });
  return true;
}

void Connection::handshake() {
  if (closed_) return;
  const tls::Step step = tls_->handshake();
  if (wait(step, &Connection::handshake)) return;
  if (step == tls::Step::kDone) {
    secure_ = true;
    return read();
  }
  // Bytes that nobody read would turn the end of the connection into a reset.
  std::array<char, 4096> unread;
  for (int i = 0; i < kUnreadChunksMax; ++i) {
    if (::recv(socket_.native_handle(), unread.data(), unread.size(), MSG_DONTWAIT) <= 0) break;
  }
  host_.on_refused(*this, "no TLS: " + tls_->failure());
  close("no TLS");
}

void Connection::read() {
  if (reading_ || closed_) return;
  reading_ = true;
  if (tls_) {
    if (!tls_->pending()) return void(wait(tls::Step::kWantsRead, &Connection::read_secure));
    // Not at once: what is at hand is handled by turns, whatever it is that keeps coming.
    return boost::asio::post(socket_.get_executor(),
                             [self = shared_from_this()] { self->read_secure(); });
  }
  socket_.async_read_some(boost::asio::buffer(input_),
                          [self = shared_from_this()](error_code error, std::size_t bytes) {
                            self->reading_ = false;
                            if (error) return self->close("the miner hung up");
                            self->on_read(bytes);
                          });
}

void Connection::read_secure() {
  if (closed_) return;
  std::size_t bytes = 0;
  const tls::Step step = tls_->read(input_, bytes);
  if (wait(step, &Connection::read_secure)) return;
  reading_ = false;
  if (step != tls::Step::kDone) return close("the miner hung up");
  on_read(bytes);
}

void Connection::write_secure() {
  if (closed_) return;
  while (encrypted_ < sending_.size()) {
    std::size_t taken = 0;
    const tls::Step step = tls_->write(std::string_view(sending_).substr(encrypted_), taken);
    if (wait(step, &Connection::write_secure)) return;
    if (step != tls::Step::kDone) {
      writing_ = false;
      return close("the miner hung up");
    }
    encrypted_ += taken;
  }
  writing_ = false;
  on_sent();
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
  if (tls_) {
    encrypted_ = 0;
    return write_secure();
  }
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
  if (tls_ && !secure_) {
    if (now - began_ <= rules_.limits.tls_handshake_max) return;
    host_.on_refused(*this, "no TLS handshake in time");
    return close("no TLS handshake in time");
  }
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
  if (tls_) tls_->finish();
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
  host_.on_closed(*this, reason);
}

}  // namespace calx::stratum
