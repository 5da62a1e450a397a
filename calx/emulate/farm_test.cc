// Goal: many miners over real sockets: all work, all answers are the planned ones, and it ends.
// Method: a pool of one thread on loopback that judges by OpenSSL; bounded runs of a second or two;
// a pool that is not there.
#include "calx/emulate/farm.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "calx/emulate/scripted_pool.h"

namespace calx::emulate {
namespace {

constexpr int kLog2Difficulty = -24;  // 256 hashes; an S3 with base 8 returns 102.7 a second

// PoolSession behind sockets.
class LoopbackPool {
 public:
  LoopbackPool() {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, generic, size), 0);
    EXPECT_EQ(::listen(listener_, 256), 0);
    EXPECT_EQ(::getsockname(listener_, generic, &size), 0);
    port = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~LoopbackPool() {
    thread_ = {};
    for (auto& guest : guests_) {
      if (guest.descriptor >= 0) ::close(guest.descriptor);
    }
    ::close(listener_);
  }

  std::uint16_t port = 0;

 private:
  struct Guest {
    int descriptor;
    PoolSession session;
    std::string input = {};
  };

  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::vector<pollfd> polled{{.fd = listener_, .events = POLLIN, .revents = 0}};
      for (const auto& guest : guests_) {
        polled.push_back({.fd = guest.descriptor, .events = POLLIN, .revents = 0});
      }
      ::poll(polled.data(), polled.size(), 20);
      for (std::size_t i = 1; i < polled.size(); ++i) {
        if (polled[i].revents != 0) read(guests_[i - 1]);
      }
      if (polled[0].revents != 0) {
        const int descriptor = ::accept(listener_, nullptr, nullptr);
        char extranonce[9];
        std::snprintf(extranonce, sizeof extranonce, "%08x", static_cast<unsigned>(guests_.size()));
        guests_.push_back({descriptor, PoolSession(kLog2Difficulty, extranonce, 10)});
      }
    }
  }

  static void read(Guest& guest) {
    char chunk[4096];
    const ssize_t got = ::recv(guest.descriptor, chunk, sizeof chunk, 0);
    if (got <= 0) {
      ::close(guest.descriptor);
      guest.descriptor = -1;
      return;
    }
    guest.input.append(chunk, static_cast<std::size_t>(got));
    for (std::size_t end; (end = guest.input.find('\n')) != std::string::npos;) {
      const std::string answer = guest.session.on_line(guest.input.substr(0, end));
      guest.input.erase(0, end + 1);
      EXPECT_EQ(::send(guest.descriptor, answer.data(), answer.size(), MSG_NOSIGNAL),
                static_cast<ssize_t>(answer.size()));
    }
  }

  int listener_ = -1;
  std::vector<Guest> guests_;
  std::jthread thread_;
};

FarmOptions options_for(const LoopbackPool& pool, std::size_t count, const char* faults) {
  FarmOptions options{.port = pool.port, .count = count, .run_time = std::chrono::seconds(2)};
  options.miner.faults = FaultPlan::parse(faults).value();
  for (const char* kind : {"s3", "bitaxe-gamma", "s9", "lv06", "nerdminer"}) {
    options.devices.push_back(find_emulated_device(kind, 8).value());
  }
  return options;
}

TEST(FarmTest, FiveKindsOfMinersWorkAtOnePoolAndEveryVerdictIsTheExpectedOne) {
  LoopbackPool pool;
  const auto report = run_farm(options_for(pool, 10, ""), {}).value();
  EXPECT_EQ(report.connections, 10u);
  EXPECT_EQ(report.refused, 0u);
  EXPECT_GT(report.ledger.accepted(), 20u);
  EXPECT_EQ(report.ledger.wrong(), 0u);
}

TEST(FarmTest, WithEveryFaultTheVerdictsAreStillThePlannedOnes) {
  LoopbackPool pool;
  const auto report =
      run_farm(options_for(pool, 20,
                           "latency=20ms,lie=0.1,duplicate=0.1,stale=0.1,corrupt=0.1,"
                           "loss=0.05,half-open=0.01"),
               {})
          .value();
  EXPECT_EQ(report.ledger.wrong(), 0u);
  EXPECT_GT(report.ledger.tallies()[static_cast<std::size_t>(Fault::kLie)].right, 0u);
  EXPECT_GT(report.ledger.tallies()[static_cast<std::size_t>(Fault::kStale)].right, 0u);
}

TEST(FarmTest, TheHashingBudgetIsKept) {
  LoopbackPool pool;
  FarmOptions options = options_for(pool, 10, "");
  options.hashes_per_second_max = 50'000;
  const auto report = run_farm(options, {}).value();
  EXPECT_LT(static_cast<double>(report.hashes), 1.5 * 50'000 * report.ran.count() + 20'000);
}

TEST(FarmTest, AStopEndsIt) {
  LoopbackPool pool;
  FarmOptions options = options_for(pool, 2, "");
  options.run_time = std::chrono::hours(1);
  std::stop_source stop;
  std::size_t sent = 0;
  const auto report = run_farm(options, stop.get_token(), [&](const MinerEvent& event) {
    if (event.kind == MinerEvent::Kind::kAnswered && ++sent == 5) stop.request_stop();
  });
  ASSERT_TRUE(report);
  EXPECT_GE(sent, 5u);
}

TEST(FarmTest, NobodyThereIsSaidSo) {
  FarmOptions options{.port = 1, .count = 1, .run_time = std::chrono::milliseconds(100)};
  options.miner.device = find_emulated_device("lv06").value();
  EXPECT_EQ(run_farm(options, {}).error().code, ErrorCode::kUnavailable);
  options.count = 0;
  EXPECT_EQ(run_farm(options, {}).error().code, ErrorCode::kInvalidArgument);
}

TEST(FarmTest, EndpointsAreReadOrRefused) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:3333").value(),
            (std::pair<std::string, std::uint16_t>("127.0.0.1", 3333)));
  EXPECT_EQ(parse_endpoint("[::1]:80")->first, "::1");
  for (const char* text : {"", ":1", "a", "a:", "a:0", "a:65536", "a:1x", "[]:1"}) {
    EXPECT_FALSE(parse_endpoint(text)) << text;
  }
}

}  // namespace
}  // namespace calx::emulate
