// One socket and the session behind it. Private: the only header here that knows Boost.Asio.
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "calx/stratum/session.h"
#include "calx/tls/stream.h"

namespace calx::stratum {

class Connection;

/// What a connection needs of the server. All calls are on the server's thread.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  virtual std::uint64_t new_job_id() = 0;
  virtual bool first_time(const hash::Digest& block_hash) = 0;
  virtual void on_joined(Connection& connection) = 0;
  virtual void on_refused(Connection& connection, std::string_view reason) = 0;
  virtual void on_judged(Connection& connection, const Judgement& judgement) = 0;
  virtual void on_named(Connection& connection) = 0;
  /// The last call; `reason` says who ended it.
  virtual void on_closed(Connection& connection, std::string_view reason) = 0;
};

/// Reads only when everything is written: a miner that does not read is not read either.
class Connection final : public std::enable_shared_from_this<Connection>, private SessionHost {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  Connection(ConnectionHost& host, const SessionRules& rules, Socket socket,
             const boost::asio::ip::tcp::endpoint& peer, std::uint32_t extranonce_1, Time now);

  /// Bytes flow through `stream`, which stands on native_socket(), after its handshake. Before
  /// start().
  void secure(std::unique_ptr<tls::Stream> stream) { tls_ = std::move(stream); }
  [[nodiscard]] int native_socket() { return socket_.native_handle(); }

  void start();
  void publish(std::shared_ptr<const PublishedJob> job, Time now);
  void tick(Time now);
  void close(std::string_view reason);

  [[nodiscard]] const Session& session() const noexcept { return session_; }
  [[nodiscard]] const std::string& address() const noexcept { return address_; }  // with the port
  [[nodiscard]] const std::string& host_address() const noexcept { return host_address_; }
  [[nodiscard]] Time heard() const noexcept { return heard_; }  // when the bytes at hand were read
  [[nodiscard]] bool slow() const noexcept { return stalled_ || session_.slow_reader(); }

 private:
  std::uint64_t new_job_id() override { return host_.new_job_id(); }
  bool first_time(const hash::Digest& hash) override { return host_.first_time(hash); }
  void on_joined(Session&) override { host_.on_joined(*this); }
  void on_refused(Session&, std::string_view reason) override { host_.on_refused(*this, reason); }
  void on_judged(Session&, const Judgement& judged) override { host_.on_judged(*this, judged); }
  void on_named(Session&) override { host_.on_named(*this); }

  void handshake();
  void read();
  void read_secure();
  void write_secure();
  /// Runs `next` when the socket is ready for a stream that stopped at `step`; false when it never
  /// will be.
  bool wait(tls::Step step, void (Connection::*next)());
  void on_read(std::size_t bytes);
  void send();
  void on_sent();

  ConnectionHost& host_;
  const SessionRules& rules_;
  Socket socket_;
  std::string host_address_, address_;
  Time heard_;
  Session session_;
  std::array<char, 4096> input_{};
  std::string sending_ = {};
  std::unique_ptr<tls::Stream> tls_ = {};  // null: plain
  std::size_t encrypted_ = 0;              // bytes of sending_ that the stream has taken
  Time began_;
  bool secure_ = false;  // its handshake is done
  bool reading_ = false, writing_ = false, closed_ = false, stalled_ = false;
  Time sent_;  // when the write in progress began
};

}  // namespace calx::stratum
