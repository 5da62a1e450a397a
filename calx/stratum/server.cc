#include "calx/stratum/server.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <cmath>
#include <new>

#include "calx/hash/sha256.h"

namespace calx::stratum {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kTick{200};
constexpr std::chrono::milliseconds kAcceptRetry{100};  // after the system had no file left
constexpr std::size_t kWorkersCountedMax = 4096;        // names; the rest is counted together

// What miners do when nobody asks for anything: no hash meets its target, and it proves nothing.
std::shared_ptr<PublishedJob> idle_job() {
  work::Job job =
      work::template_job(hash::sha256("calx bridge, idle"), work::Target(work::Target::Bytes{}));
  job.version_mask = work::kVersionMask;
  auto idle = std::make_shared<PublishedJob>(std::move(job));
  idle->finished = true;
  return idle;
}

}  // namespace

Server::Server(BridgeOptions options, BridgeObserver* observer)
    : options_(std::move(options)),
      observer_(observer),
      rules_{options_.workers, options_.limits, options_.vardiff},
      current_(idle_job()),
      seen_(options_.shares_remembered),
      queue_(
          options_.jobs_waiting_max, options_.no_miner_max,
          [this](std::shared_ptr<PublishedJob> job) {
            boost::asio::post(context_, [this, job = std::move(job)] { publish(job); });
          },
          [this](std::shared_ptr<PublishedJob> job) {
            boost::asio::post(context_, [job = std::move(job)] { job->finished = true; });
          }) {}

Server::~Server() {
  queue_.stop();
  boost::asio::post(context_, [this] { shut(); });
}

Result<void> Server::start() {
  error_code error;
  const auto address = boost::asio::ip::make_address(options_.host, error);
  if (error) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("bridge: host '{}', wanted an address such as 127.0.0.1", options_.host));
  }
  loopback_ = address.is_loopback();
  if (!loopback_ && options_.workers.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("bridge: {} is open to others, so it wants at least one worker with "
                            "a token",
                            options_.host));
  }
  if (!options_.tls_certificate.empty() || !options_.tls_key.empty()) {
    CALX_ASSIGN(context, tls::Context::server(options_.tls_certificate, options_.tls_key));
    tls_ = std::move(context);
  }
  const tcp::endpoint endpoint(address, options_.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(boost::asio::socket_base::max_listen_connections, error);
  if (error) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("bridge: cannot listen on {}:{}: {}", options_.host, options_.port,
                            error.message()));
  }
  port_ = acceptor_.local_endpoint(error).port();
  accept();
  tick();
  thread_ = std::jthread([this] {
    for (bool done = false; !done;) {
      try {
        context_.run();
        done = true;
      } catch (const std::bad_alloc&) {
        continue;  // the handler that wanted memory is gone; its connection will time out
      }
    }
  });
  return {};
}

void Server::accept() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    if (shut_) return;
    if (!error) {
      admit(std::move(socket));
      return accept();
    }
    retry_.expires_after(kAcceptRetry);
    retry_.async_wait([this](error_code cancelled) {
      if (!cancelled && !shut_) accept();
    });
  });
}

void Server::admit(Connection::Socket socket) {
  error_code gone;
  const tcp::endpoint peer = socket.remote_endpoint(gone);
  if (gone) return;
  const std::string address = peer.address().to_string();
  if (connections_.size() >= options_.connections_max) {
    return refuse(address, "too many connections");
  }
  if (per_address_[address] >= options_.connections_per_address_max) {
    return refuse(address, "too many connections from this address");
  }
  const auto connection =
      std::make_shared<Connection>(*this, rules_, std::move(socket), peer, next_extranonce_1_++,
                                   std::chrono::steady_clock::now());
  if (tls_) {
    auto stream = tls::Stream::accept(tls_, connection->native_socket());
    if (!stream) return refuse(address, stream.error().message);
    connection->secure(std::move(*stream));
  }
  ++per_address_[address];
  connections_.insert(connection);
  {
    const std::lock_guard lock(counters_mutex_);
    ++counters_.connections;
  }
  connection->start();
}

void Server::refuse(const std::string& address, std::string_view reason) {
  {
    const std::lock_guard lock(counters_mutex_);
    ++counters_.connections_refused;
  }
  if (observer_ == nullptr) return;
  observer_->on_event({.address = address, .reason = std::string(reason)});
}

void Server::tick() {
  const Time now = std::chrono::steady_clock::now();
  const auto connections = connections_;  // one that closes leaves the set
  for (const auto& connection : connections) connection->tick(now);
  estimate_hash_rates();
  ticker_.expires_after(kTick);
  ticker_.async_wait([this](error_code cancelled) {
    if (!cancelled && !shut_) tick();
  });
}

void Server::publish(std::shared_ptr<PublishedJob> job) {
  if (shut_) return;
  current_->finished = true;
  current_ = std::move(job);
  // Whatever came before is stale from here on; and who asks for the same job again, after a
  // deadline say, gets the same shares again.
  seen_.clear();
  const Time now = std::chrono::steady_clock::now();
  const auto connections = connections_;
  for (const auto& connection : connections) {
    if (connection->session().joined()) connection->publish(current_, now);
  }
  const std::lock_guard lock(counters_mutex_);
  ++counters_.jobs_published;
}

void Server::shut() {
  shut_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  ticker_.cancel();
  retry_.cancel();
  const auto connections = connections_;
  for (const auto& connection : connections) connection->close("the bridge stopped");
}

void Server::on_joined(Connection& connection) {
  queue_.miners(++miners_);
  {
    const std::lock_guard lock(counters_mutex_);
    ++counters_.miners;
    WorkerMetrics& worker = counted(connection).metrics;
    worker.origin = worker.connections == 0 ? connection.session().origin()
                                            : combine(worker.origin, connection.session().origin());
    ++worker.connections;
  }
  tell(BridgeEvent::Kind::kJoined, connection);
  connection.publish(current_, std::chrono::steady_clock::now());
}

void Server::on_refused(Connection& connection, std::string_view reason) {
  tell(BridgeEvent::Kind::kRefused, connection, reason);
}

void Server::on_judged(Connection& connection, const Judgement& judgement) {
  const Session& session = connection.session();
  const bool found = judgement.meets_job && !judgement.reject && judgement.published == current_ &&
                     !current_->finished;
  if (found) current_->finished = true;
  {
    const Time now = std::chrono::steady_clock::now();
    const std::lock_guard lock(counters_mutex_);
    counters_.verdict.add(now - connection.heard());
    if (found) ++counters_.jobs_found;
    if (session.joined()) {
      Counted& worker = counted(connection);
      if (judgement.reject) {
        ++worker.metrics.rejected[index_of(*judgement.reject)];
      } else {
        ++worker.metrics.accepted;
        worker.last_share = now;
      }
    }
  }
  if (observer_ != nullptr) tell(connection, judgement, found);
  if (found) {
    queue_.found(judgement.published, {.share = judgement.share, .origin = session.origin()});
  }
}

void Server::tell(const Connection& connection, const Judgement& judgement, bool found) {
  const Session& session = connection.session();
  observer_->on_event(
      {.kind = judgement.reject ? BridgeEvent::Kind::kRejected : BridgeEvent::Kind::kAccepted,
       .worker = session.worker(),
       .address = connection.address(),
       .origin = session.origin(),
       .code = judgement.reject.value_or(Reject::kOther),
       .reason = std::string(judgement.reason),
       .difficulty = judgement.difficulty,
       .share_difficulty = judgement.share_difficulty,
       .found = found});
}

void Server::on_named(Connection& connection) {
  {
    const std::lock_guard lock(counters_mutex_);
    counted(connection).metrics.named_liar = true;
  }
  tell(BridgeEvent::Kind::kNamed, connection, "too many false shares");
}

void Server::on_closed(Connection& connection, std::string_view reason) {
  const bool joined = connection.session().joined();
  {
    const std::lock_guard lock(counters_mutex_);
    --counters_.connections;
    if (connection.slow()) ++counters_.slow_readers_dropped;
    if (joined) {
      --counters_.miners;
      --counted(connection).metrics.connections;
    }
  }
  if (joined) {
    queue_.miners(--miners_);
    tell(BridgeEvent::Kind::kLeft, connection, reason);
  }
  const auto address = per_address_.find(connection.host_address());
  if (--address->second == 0) per_address_.erase(address);
  connections_.erase(connection.shared_from_this());
}

Server::Counted& Server::counted(const Connection& connection) {
  const std::string& name = connection.session().worker();
  const bool full = workers_.size() >= kWorkersCountedMax && !workers_.contains(name);
  Counted& worker = workers_[full ? "(others)" : name];
  worker.metrics.difficulty = std::ldexp(1.0, connection.session().log2_difficulty());
  return worker;
}

void Server::estimate_hash_rates() {
  const std::lock_guard lock(counters_mutex_);
  for (auto& [name, worker] : workers_) worker.metrics.hash_rate_hps = 0;
  for (const auto& connection : connections_) {
    const Session& session = connection->session();
    if (session.joined()) counted(*connection).metrics.hash_rate_hps += session.hash_rate_hps();
  }
}

BridgeMetrics Server::metrics() const {
  const Time now = std::chrono::steady_clock::now();
  const std::size_t waiting = queue_.waiting();
  const std::lock_guard lock(counters_mutex_);
  BridgeMetrics copy = counters_;
  copy.jobs_waiting = static_cast<std::uint32_t>(waiting);
  for (const auto& [name, worker] : workers_) {
    copy.workers.push_back(worker.metrics);
    copy.workers.back().name = name;
    if (worker.last_share) {
      copy.workers.back().last_share_age =
          std::chrono::duration_cast<std::chrono::milliseconds>(now - *worker.last_share);
    }
  }
  return copy;
}

void Server::tell(BridgeEvent::Kind kind, const Connection& connection, std::string_view reason) {
  if (observer_ == nullptr) return;
  const Session& session = connection.session();
  observer_->on_event({.kind = kind,
                       .worker = session.worker(),
                       .address = connection.address(),
                       .origin = session.origin(),
                       .reason = std::string(reason),
                       .difficulty = std::ldexp(1.0, session.log2_difficulty())});
}

}  // namespace calx::stratum
