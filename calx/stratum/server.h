// The thread behind a bridge: accepts, keeps the connections, counts. Private.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "calx/stratum/bridge.h"
#include "calx/stratum/connection.h"
#include "calx/stratum/job_queue.h"
#include "calx/stratum/seen_shares.h"
#include "calx/tls/context.h"

namespace calx::stratum {

class Server final : public ConnectionHost {
 public:
  Server(BridgeOptions options, BridgeObserver* observer);
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Binds and starts the thread. Errors: those of Bridge::start.
  Result<void> start();

  [[nodiscard]] const BridgeOptions& options() const noexcept { return options_; }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] bool loopback() const noexcept { return loopback_; }
  [[nodiscard]] bool secure() const noexcept { return tls_ != nullptr; }
  [[nodiscard]] BridgeMetrics metrics() const;
  [[nodiscard]] JobQueue& queue() noexcept { return queue_; }

 private:
  using Acceptor = boost::asio::ip::tcp::acceptor;

  struct Counted {
    WorkerMetrics metrics;
    std::optional<Time> last_share = {};
  };

  // ConnectionHost, on the thread
  std::uint64_t new_job_id() override { return next_job_id_++; }
  bool first_time(const hash::Digest& hash) override { return seen_.insert(hash); }
  void on_joined(Connection& connection) override;
  void on_refused(Connection& connection, std::string_view reason) override;
  void on_judged(Connection& connection, const Judgement& judgement) override;
  void on_named(Connection& connection) override;
  void on_closed(Connection& connection, std::string_view reason) override;

  void accept();
  void admit(Connection::Socket socket);
  void refuse(const std::string& address, std::string_view reason);
  void tick();
  void publish(std::shared_ptr<PublishedJob> job);
  void shut();
  void estimate_hash_rates();
  Counted& counted(const Connection& connection);
  void tell(const Connection& connection, const Judgement& judgement, bool found);
  void tell(BridgeEvent::Kind kind, const Connection& connection, std::string_view reason = {});

  BridgeOptions options_;
  BridgeObserver* observer_;
  SessionRules rules_;
  std::shared_ptr<const tls::Context> tls_ = {};  // null: plain
  boost::asio::io_context context_{1};
  Acceptor acceptor_{context_};
  boost::asio::steady_timer ticker_{context_}, retry_{context_};
  std::uint16_t port_ = 0;
  bool loopback_ = false, shut_ = false;
  std::set<std::shared_ptr<Connection>> connections_;
  std::map<std::string, std::size_t> per_address_;
  std::shared_ptr<PublishedJob> current_;
  SeenShares seen_;
  std::uint64_t next_job_id_ = 1;
  std::uint32_t next_extranonce_1_ = 1;
  std::size_t miners_ = 0;
  JobQueue queue_;
  mutable std::mutex counters_mutex_;  // guards the two below
  BridgeMetrics counters_;
  std::map<std::string, Counted> workers_;
  std::jthread thread_;
};

}  // namespace calx::stratum
