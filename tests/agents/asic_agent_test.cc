// Goal: a job through the agent of a miner's controller finds what the driver finds on the device
// itself, and no peer, device or token can bring the agent to anything but its documented ends.
// Method: parity: the Bitmain emulator behind a pseudo-terminal, the C agent native and on an
// emulated 24Kc (big-endian MIPS, no floating-point unit), connect_asic_stream and BitmainDriver.
// Vector: the agent's hello is answered only if its SHA-256 agrees with calx/hash. Faults: wrong
// tokens, frames that are none, a packet that lies about its length, a second client, a busy
// device (a filter in the kernel gives EBUSY), a device that vanishes, silence, kill -9, SIGTERM.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <regex>
#include <sstream>

#include "calx/device/asic_frame.h"
#include "calx/device/asic_stream.h"
#include "calx/device/bitmain_driver.h"
#include "calx/device/descriptor_wire.h"
#include "tests/agents/agent_process.h"
#include "tests/agents/pty_miner.h"

namespace calx::device {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr BitmainEmulatorOptions kMiner = {.nonces_per_work = 1u << 16};
constexpr int kBadInput = 2, kUnavailable = 3;

BitmainOptions quick() { return {.base_bits = 12, .silence_max = milliseconds(20'000)}; }

work::Job job_of(std::uint8_t number) {
  work::Job job = work::template_job(hash::Digest{number}, *work::Target::from_work_bits(18));
  job.deadline = steady_clock::now() + std::chrono::seconds(60);
  return job;
}

Result<std::unique_ptr<Wire>> connect(const AgentProcess& agent, std::string token = {}) {
  return connect_asic_stream({.address = {.host = "127.0.0.1", .port = agent.port()},
                              .token = token.empty() ? agent.token() : std::move(token)});
}

Deadline soon() { return steady_clock::now() + std::chrono::seconds(20); }

// What the wire says when it ends.
Error end_of(Wire& wire) {
  for (const auto deadline = soon(); steady_clock::now() < deadline;) {
    std::uint8_t buffer[256];
    const auto count = wire.read(buffer, steady_clock::now() + milliseconds(50));
    if (!count) return count.error();
  }
  return {.code = ErrorCode::kInternal, .message = "the wire goes on"};
}

class AsicAgentTest : public testing::TestWithParam<AgentKind> {
 protected:
  void SetUp() override {
    if (agent_command(GetParam()).empty()) {
      GTEST_SKIP() << "no compiler or no emulator for mips here (script/setup --ci)";
    }
  }
};
INSTANTIATE_TEST_SUITE_P(, AsicAgentTest, testing::Values(AgentKind::kNative, AgentKind::kMips),
                         [](const auto& row) {
                           return row.param == AgentKind::kNative ? "native" : "mips";
                         });

TEST_P(AsicAgentTest, FindsTheSharesThatTheDriverFindsOnTheDevice) {
  BitmainEmulator emulator(kMiner);
  const auto direct_wire = BitmainEmulatorWire::open(emulator);
  ASSERT_TRUE(direct_wire);
  const auto direct = BitmainDriver::open(**direct_wire, quick());
  ASSERT_TRUE(direct) << direct.error().message;

  PtyMiner miner(kMiner);
  AgentProcess agent(GetParam(), {.device = miner.path()});
  ASSERT_NE(agent.port(), 0) << agent.errors();
  auto wire = connect(agent);
  ASSERT_TRUE(wire) << wire.error().message;
  const auto driver = BitmainDriver::open(**wire, quick());
  ASSERT_TRUE(driver) << driver.error().message;
  for (std::uint8_t i = 0; i < 3; ++i) {
    const work::Job job = job_of(i);
    const auto wanted = (*direct)->run(job, {}), found = (*driver)->run(job, {});
    ASSERT_TRUE(wanted) << wanted.error().message;
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->share.nonce, wanted->share.nonce);
    EXPECT_EQ(found->share.extranonce_2, wanted->share.extranonce_2);
    EXPECT_EQ(found->origin, Origin::kEmulated);
  }
  EXPECT_EQ((*driver)->judge().wrong(), 0u);
  RecordProperty("resident_kib", static_cast<int>(agent.resident_kib()));
  agent.signal(SIGTERM);
  EXPECT_THAT(end_of(**wire).message, HasSubstr("the agent stops"));
  EXPECT_EQ(agent.wait(), 0);
}

TEST_P(AsicAgentTest, RefusesAWrongTokenAndServesTheRightOneAfterwards) {
  PtyMiner miner(kMiner);
  AgentProcess agent(GetParam(), {.device = miner.path(), .token = std::string(100, 'k')});
  const auto refused = connect(agent, "a token of enough letters");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("the token is another"));
  const auto served = connect(agent);
  EXPECT_TRUE(served) << served.error().message;
}

TEST_P(AsicAgentTest, TellsASecondClientAndTakesTheNextOneLater) {
  PtyMiner miner(kMiner);
  AgentProcess agent(GetParam(), {.device = miner.path()});
  auto first = connect(agent);
  ASSERT_TRUE(first) << first.error().message;
  const auto second = connect(agent);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message, HasSubstr("another client has the device"));
  EXPECT_TRUE(BitmainDriver::open(**first, quick())) << "the first is not disturbed";
  first->reset();
  auto third = connect(agent);
  for (const auto deadline = soon(); !third && steady_clock::now() < deadline;) {
    third = connect(agent);
  }
  ASSERT_TRUE(third) << third.error().message;
  EXPECT_TRUE(BitmainDriver::open(**third, quick()));
}

TEST_P(AsicAgentTest, ABusyOrMissingDeviceIsOneSentenceAndStatusThree) {
  PtyMiner miner(kMiner);
  AgentProcess busy(GetParam(), {.device = miner.path(), .busy = true});
  EXPECT_EQ(busy.port(), 0);
  EXPECT_EQ(busy.wait(), kUnavailable);
  EXPECT_THAT(busy.errors(), HasSubstr("device or resource busy: stop cgminer"));
  AgentProcess missing(GetParam(), {.device = "/dev/no-such-asic"});
  EXPECT_EQ(missing.wait(), kUnavailable);
  EXPECT_THAT(missing.errors(), HasSubstr("/dev/no-such-asic: not there"));
  AgentProcess careless(GetParam(), {.device = miner.path(), .token = "short"});
  EXPECT_EQ(careless.wait(), kBadInput);
}

TEST_P(AsicAgentTest, ADeviceThatVanishesEndsTheWireAndTheAgent) {
  PtyMiner miner(kMiner);
  AgentProcess agent(GetParam(), {.device = miner.path()});
  auto wire = connect(agent);
  ASSERT_TRUE(wire) << wire.error().message;
  miner.vanish();
  const Error error = end_of(**wire);
  EXPECT_EQ(error.code, ErrorCode::kUnavailable);
  EXPECT_THAT(error.message, HasSubstr("the device is gone"));
  EXPECT_EQ(agent.wait(), kUnavailable);
  EXPECT_FALSE((*wire)->write(encode(TokenDialect{}, TokenStatusRequest{})));
}

TEST_P(AsicAgentTest, HeartbeatsKeepAnIdleWireAndAKilledAgentIsNoticed) {
  PtyMiner miner(kMiner);
  AgentProcess agent(GetParam(), {.device = miner.path(), .heartbeat_ms = 50});
  auto wire = connect(agent);
  ASSERT_TRUE(wire) << wire.error().message;
  std::this_thread::sleep_for(milliseconds(600));  // three times what silence may last
  EXPECT_TRUE(BitmainDriver::open(**wire, quick()));
  agent.signal(SIGKILL);
  EXPECT_EQ(end_of(**wire).code, ErrorCode::kUnavailable);
}

// qemu-user prints the system calls of the program.
TEST(AsicAgentCallsTest, OneOpenForOneOwnerAndOnePacketAWrite) {
  if (agent_command(AgentKind::kMips).empty()) GTEST_SKIP() << "no compiler or emulator for mips";
  PtyMiner miner(kMiner);
  AgentProcess agent(AgentKind::kMips, {.device = miner.path(), .trace = true});
  ASSERT_NE(agent.port(), 0) << agent.errors();
  {
    auto wire = connect(agent);
    ASSERT_TRUE(wire) << wire.error().message;
    const auto driver = BitmainDriver::open(**wire, quick());
    ASSERT_TRUE(driver) << driver.error().message;
    ASSERT_TRUE((*driver)->run(job_of(9), {}));
  }
  agent.signal(SIGTERM);
  EXPECT_EQ(agent.wait(), 0);
  const std::string trace = agent.errors();
  const std::regex open("open\\(\"" + miner.path() + "\",([A-Z_|]+)\\) = (\\d+)");
  std::smatch opened;
  ASSERT_TRUE(std::regex_search(trace, opened, open)) << trace.substr(0, 2000);
  for (const char* flag : {"O_RDWR", "O_EXCL", "O_NONBLOCK", "O_CLOEXEC"}) {
    EXPECT_THAT(opened[1].str(), HasSubstr(flag));
  }
  EXPECT_EQ(opened.suffix().str().find(miner.path()), std::string::npos) << "opened once";
  std::vector<std::size_t> writes;
  const std::regex write("write\\(" + opened[2].str() + ",.*\\) = (\\d+)");
  std::istringstream lines(trace);
  for (std::string line; std::getline(lines, line);) {
    if (std::smatch found; std::regex_search(line, found, write)) {
      writes.push_back(std::stoul(found[1].str()));
    }
  }
  EXPECT_GT(writes.size(), 3u);
  EXPECT_EQ(writes, miner.packets());
}

// A client that writes its frames by hand.
class RawClient {
 public:
  explicit RawClient(const AgentProcess& agent)
      : wire_(*connect_tcp("127.0.0.1", agent.port(), soon(), Origin::kEmulated)) {}

  AsicFrame next() {
    for (;;) {
      auto frame = frames_.next();
      if (!frame) return {};
      if (*frame) return **std::move(frame);
      std::uint8_t buffer[512];
      const auto count = wire_->read(buffer, soon());
      if (!count || *count == 0) return {};
      frames_.push(std::span(buffer).first(*count));
    }
  }
  void greet(const std::string& token) {
    const auto challenge = parse_challenge(next());
    ASSERT_TRUE(challenge);
    send(encode(hello_frame(token, challenge->nonce, AsicNonce{}), sequence_++));
    ASSERT_EQ(next().type, AsicType::kWelcome);
  }
  void send(const std::vector<std::uint8_t>& bytes) { EXPECT_TRUE(wire_->write(bytes)); }
  void send(AsicType type, std::vector<std::uint8_t> body) {
    send(encode({.type = type, .body = std::move(body)}, sequence_++));
  }
  // Past pings and what the device sent.
  AsicEnd end() {
    for (;;) {
      const AsicFrame frame = next();
      if (frame.type == AsicType::kEnd && !frame.body.empty()) {
        return static_cast<AsicEnd>(frame.body[0]);
      }
      if (frame.type != AsicType::kData && frame.type != AsicType::kPing) break;
    }
    ADD_FAILURE() << "the connection ended without a reason";
    return AsicEnd::kStopping;
  }

 private:
  std::unique_ptr<Wire> wire_;
  AsicFrameStream frames_;
  std::uint32_t sequence_ = 0;
};

TEST_P(AsicAgentTest, WhatIsNoFrameOrNoPacketEndsTheConnection) {
  PtyMiner miner(kMiner);
  AgentProcess agent(GetParam(), {.device = miner.path()});
  auto crc = encode({.type = AsicType::kPing, .body = {1}}, 1);
  crc.back() ^= 1;
  auto status = encode(TokenDialect{}, TokenStatusRequest{});
  auto longer = status, other = status;
  longer.push_back(0);
  other[0] = 0x50;
  const auto packet = [](const TokenBytes& bytes) {
    return encode({.type = AsicType::kPacket, .body = bytes}, 1);
  };
  const std::vector<std::vector<std::uint8_t>> faults = {
      crc,
      {0xA5, 4, 0xff, 0xff, 0, 0, 0, 1},        // oversized
      encode({.type = AsicType::kPing}, 7),     // not the next number
      encode({.type = AsicType::kWelcome}, 1),  // not a client's
      {'G', 'E', 'T', ' '},                     // another protocol
      packet(longer),                           // lies about its length
      packet(other),                            // no token
      packet(TokenBytes(2000, 0x52)),           // more than a packet
      encode({.type = static_cast<AsicType>(99)}, 1)};
  for (const auto& fault : faults) {
    SCOPED_TRACE(testing::PrintToString(fault));
    RawClient client(agent);
    client.greet(agent.token());
    client.send(fault);
    EXPECT_EQ(client.end(), AsicEnd::kFrame);
  }
  EXPECT_TRUE(miner.packets().empty()) << "nothing of it reached the device";
  RawClient hasty(agent);
  hasty.send(AsicType::kPacket, status);
  EXPECT_EQ(hasty.next().type, AsicType::kChallenge);
  EXPECT_EQ(hasty.end(), AsicEnd::kFrame) << "a packet before the hello";
}

TEST_P(AsicAgentTest, ASilentClientLosesItsPlace) {
  PtyMiner miner(kMiner);
  AgentProcess agent(GetParam(), {.device = miner.path(), .heartbeat_ms = 50});
  RawClient client(agent);
  client.greet(agent.token());
  EXPECT_EQ(client.end(), AsicEnd::kSilent);
  EXPECT_TRUE(connect(agent));
}

// Whoever answers must know the token too.
TEST(AsicStreamTest, AnAgentWithoutTheTokenIsNotBelieved) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in self{};
  self.sin_family = AF_INET;
  self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&self), sizeof self), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  socklen_t size = sizeof self;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&self), &size);
  std::jthread impostor([listener] {
    const int peer = ::accept(listener, nullptr, nullptr);
    std::vector<std::uint8_t> challenge(36), welcome(38);
    challenge[1] = challenge[3] = welcome[1] = 1;
    welcome[4] = 1;
    auto bytes = encode({.type = AsicType::kChallenge, .body = challenge}, 0);
    const auto second = encode({.type = AsicType::kWelcome, .body = welcome}, 1);
    bytes.insert(bytes.end(), second.begin(), second.end());
    EXPECT_EQ(::write(peer, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    std::uint8_t hello[512];
    static_cast<void>(::read(peer, hello, sizeof hello));
    ::close(peer);
  });
  const auto wire =
      connect_asic_stream({.address = {.host = "127.0.0.1", .port = ntohs(self.sin_port)},
                           .token = "a token of enough letters"});
  ASSERT_FALSE(wire);
  EXPECT_EQ(wire.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(wire.error().message, HasSubstr("does not know the token"));
  impostor.join();
  ::close(listener);
  EXPECT_EQ(connect_asic_stream(
                {.address = {.host = "127.0.0.1", .port = 1}, .token = "a token of enough letters"})
                .error()
                .code,
            ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace calx::device
