#include "calx/emulate/farm.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <charconv>

#include "calx/emulate/client_socket.h"

namespace calx::emulate {
namespace {

constexpr std::chrono::milliseconds kPollMax{10};
constexpr std::chrono::milliseconds kHashingMax{2};  // between two looks at the sockets
constexpr std::uint64_t kSliceNonces = 1 << 14;
constexpr std::chrono::milliseconds kConnectMax{5000};
constexpr Seconds kBurst{0.1};  // of unused hashing budget that may be spent at once

Time now() { return std::chrono::steady_clock::now(); }

// One miner and its connection.
struct Seat {
  std::unique_ptr<Miner> miner;
  ClientSocket socket = {};
  bool connecting = false;
  Time connect_before = {};
  std::string output = {};
};

class Farm {
 public:
  Farm(const FarmOptions& options, std::stop_token stop,
       const std::function<void(const MinerEvent&)>& observe)
      : options_(options), stop_(std::move(stop)), observe_(observe) {}

  Result<FarmReport> run() {
    CALX_ASSIGN(address, resolve(options_.host, options_.port));
    address_ = std::move(address);
    CALX_TRY(seat_everybody());
    const Time start = now(), end = start + options_.run_time;
    for (Time last = start; now() < end && !stop_.stop_requested();) {
      const Time turn = now();
      const double rate = options_.hashes_per_second_max;
      budget_ = std::min(budget_ + Seconds(turn - last).count() * rate, kBurst.count() * rate);
      last = turn;
      for (Seat& seat : seats_) {
        seat.miner->tick(now());
        CALX_TRY(connect_if_due(seat));
      }
      serve_sockets(hash_a_while() ? std::chrono::milliseconds(0) : time_to_wake());
    }
    wait_for_last_answers();
    report_.ran = now() - start;
    return finish();
  }

 private:
  Result<void> seat_everybody() {
    for (std::size_t i = 0; i < options_.count; ++i) {
      MinerOptions miner = options_.miner;
      if (!options_.devices.empty()) miner.device = options_.devices[i % options_.devices.size()];
      miner.number = static_cast<std::uint32_t>(i);
      if (options_.vary) options_.vary(miner);
      CALX_ASSIGN(opened, Miner::open(std::move(miner), report_.ledger));
      seats_.push_back({.miner = std::move(opened)});
    }
    return {};
  }

  Result<void> connect_if_due(Seat& seat) {
    if (seat.connecting && now() > seat.connect_before) drop(seat, "no answer to the connection");
    if (seat.socket.is_open() || !seat.miner->wants_connection(now())) return {};
    const auto started = seat.socket.connect(
        address_, options_.tls, options_.tls_name.empty() ? options_.host : options_.tls_name);
    if (!started) {
      drop(seat, started.error().message);
      return {};
    }
    seat.connecting = true;
    seat.connect_before = now() + kConnectMax;
    return {};
  }

  void drop(Seat& seat, std::string_view why) {
    if (seat.connecting) ++report_.refused;
    last_failure_ = why;
    seat.connecting = false;
    seat.socket.close();
    seat.output.clear();
    seat.miner->on_closed(now(), why);
    observe(seat);
  }

  // True when there is more to hash now. A turn is given to one hungry miner after the other.
  bool hash_a_while() {
    const Time until = now() + kHashingMax;
    std::size_t idle = 0;
    while (idle < seats_.size() && budget_ > 0) {
      Miner& miner = *seats_[turn_++ % seats_.size()].miner;
      if (!miner.hungry()) {
        ++idle;
        continue;
      }
      idle = 0;
      const std::uint64_t tried = miner.hash(kSliceNonces);
      report_.hashes += tried;
      budget_ -= static_cast<double>(tried);
      if (now() >= until) return true;
    }
    return false;
  }

  std::chrono::milliseconds time_to_wake() const {
    Time wake = now() + kPollMax;
    for (const Seat& seat : seats_) {
      if (!seat.connecting) wake = std::min(wake, seat.miner->wake_at());
    }
    return std::max(std::chrono::milliseconds(0),
                    std::chrono::ceil<std::chrono::milliseconds>(wake - now()));
  }

  void serve_sockets(std::chrono::milliseconds wait) {
    polled_.clear();
    for (Seat& seat : seats_) {
      if (!seat.connecting) seat.miner->take_output(seat.output, now());
      const bool agrees = seat.connecting && seat.socket.wants_to_read();
      const bool writes = seat.connecting ? !agrees : !seat.output.empty();
      const bool reads = agrees || (!seat.connecting && !seat.miner->silent());
      polled_.push_back(
          {.fd = seat.socket.descriptor(),
           .events = static_cast<short>((writes ? POLLOUT : 0) | (reads ? POLLIN : 0)),
           .revents = 0});
    }
    const int ready = ::poll(polled_.data(), polled_.size(), static_cast<int>(wait.count()));
    for (std::size_t i = 0; i < seats_.size() && ready > 0; ++i) {
      if (polled_[i].revents != 0) serve(seats_[i], polled_[i].revents);
    }
    for (Seat& seat : seats_) {
      observe(seat);
      if (seat.miner->wants_hang_up() && seat.socket.is_open() && seat.output.empty()) {
        drop(seat, std::string(seat.miner->hang_up_reason()));
      }
    }
  }

  void serve(Seat& seat, short events) {
    if (seat.connecting) {
      const auto connected = seat.socket.finish_connect();
      if (!connected) return drop(seat, connected.error().message);
      if (!*connected) return;
      seat.connecting = false;
      seat.miner->on_connected(now());
      return;
    }
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && !seat.miner->silent()) {
      input_.clear();
      const bool open = seat.socket.read(input_);
      seat.miner->on_bytes(input_, now());
      if (!open) return drop(seat, "the pool hung up");
    } else if ((events & (POLLHUP | POLLERR)) != 0) {
      return drop(seat, "the pool hung up");
    }
    if ((events & POLLOUT) != 0 && !seat.socket.write(seat.output)) {
      drop(seat, "the connection broke");
    }
  }

  void observe(Seat& seat) {
    const auto events = seat.miner->take_events();
    if (!observe_) return;
    for (const MinerEvent& event : events) observe_(event);
  }

  void wait_for_last_answers() {
    for (const Time end = now() + kLastAnswersMax;
         now() < end && report_.ledger.waiting() > 0 && !stop_.stop_requested();) {
      serve_sockets(kPollMax);
    }
  }

  Result<FarmReport> finish() {
    for (Seat& seat : seats_) {
      report_.late += seat.miner->late();
      report_.connections += seat.miner->connections();
      report_.ledger.give_up(static_cast<std::uint32_t>(&seat - seats_.data()));
    }
    if (report_.connections == 0 && report_.refused > 0) {
      return fail(
          ErrorCode::kUnavailable,
          fmt::format("nobody answers at {}:{} ({})", options_.host, options_.port, last_failure_));
    }
    return std::move(report_);
  }

  const FarmOptions& options_;
  std::stop_token stop_;
  const std::function<void(const MinerEvent&)>& observe_;
  SocketAddress address_;
  std::vector<Seat> seats_;
  std::vector<pollfd> polled_;
  std::string input_;
  std::string last_failure_;
  std::size_t turn_ = 0;
  double budget_ = 0;
  FarmReport report_;
};

}  // namespace

Result<FarmReport> run_farm(const FarmOptions& options, std::stop_token stop,
                            const std::function<void(const MinerEvent&)>& observe) {
  if (options.count < 1 || options.count > kMinersMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("emulator: {} miners, wanted 1 to {}", options.count, kMinersMax));
  }
  if (!(options.hashes_per_second_max > 0)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("emulator: a budget of {} hashes a second",
                                                         options.hashes_per_second_max));
  }
  return Farm(options, std::move(stop), observe).run();
}

Result<std::pair<std::string, std::uint16_t>> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon != std::string_view::npos && colon > 0) {
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    std::string_view host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (error == std::errc() && end == digits.data() + digits.size() && port > 0 && !host.empty()) {
      return std::pair(std::string(host), port);
    }
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("address: \"{}\", wanted HOST:PORT such as 127.0.0.1:3333", text));
}

}  // namespace calx::emulate
