// Goal: a bridge with a certificate talks TLS to miners and to nobody else, and neither a plain
// client nor one that never finishes its handshake can hold anything.
// Method: law and fault tests over loopback with a certificate made here; short limits.
#include <gmock/gmock.h>
#include <poll.h>

#include <mutex>
#include <thread>

#include "calx/stratum/bridge.h"
#include "calx/stratum/miner_test.h"
#include "calx/tls/certificate_test.h"
#include "calx/tls/stream.h"

namespace calx::stratum {
namespace {

using testing::HasSubstr;

struct Refusals final : BridgeObserver {
  void on_event(const BridgeEvent& event) override {
    const std::lock_guard lock(mutex);
    if (event.kind == BridgeEvent::Kind::kRefused) reasons += event.reason + "\n";
  }
  std::string text() {
    const std::lock_guard lock(mutex);
    return reasons;
  }
  std::mutex mutex;
  std::string reasons;
};

// A plain client socket that a stream stands on.
class SecureMiner {
 public:
  SecureMiner(std::uint16_t port, const std::filesystem::path& roots)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const auto context = tls::Context::client(roots).value();
    stream_ = tls::Stream::connect(context, socket_, "127.0.0.1").value();  // the socket may block
  }
  ~SecureMiner() { ::close(socket_); }

  bool agreed() { return stream_->handshake() == tls::Step::kDone; }
  bool send(std::string_view text) {
    while (!text.empty()) {
      std::size_t sent = 0;
      if (stream_->write(text, sent) != tls::Step::kDone) return false;
      text.remove_prefix(sent);
    }
    return true;
  }
  // Reads until `text` has come; "" when it never does.
  std::string until(std::string_view text) {
    std::array<char, 512> chunk;
    while (read_.find(text) == std::string::npos) {
      std::size_t got = 0;
      if (stream_->read(chunk, got) != tls::Step::kDone) return {};
      read_.append(chunk.data(), got);
    }
    return read_;
  }

 private:
  int socket_;
  std::unique_ptr<tls::Stream> stream_;
  std::string read_;
};

class BridgeTlsTest : public testing::Test {
 protected:
  BridgeOptions options() {
    BridgeOptions options;
    options.port = 0;
    options.tls_certificate = files_.certificate;
    options.tls_key = files_.key;
    return options;
  }

  tls::CertificateMaker maker_{"calx_stratum_tls_test"};
  tls::CertificateFiles files_ = maker_.make("localhost");
  Refusals refusals_;
};

TEST_F(BridgeTlsTest, AMinerIsServedOverIt) {
  const auto bridge = Bridge::start(options(), &refusals_).value();
  EXPECT_TRUE(bridge->secure());
  SecureMiner miner(bridge->port(), files_.certificate);
  ASSERT_TRUE(miner.agreed());
  ASSERT_TRUE(
      miner.send("{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"t/1\"]}\n"
                 "{\"id\":2,\"method\":\"mining.authorize\",\"params\":[\"w\",\"x\"]}\n"));
  EXPECT_THAT(miner.until("mining.notify\",\"params"), HasSubstr("mining.set_difficulty"));
  EXPECT_EQ(refusals_.text(), "");
}

TEST_F(BridgeTlsTest, ManyLinesInOneRecordAreAllAnswered) {
  const auto bridge = Bridge::start(options(), &refusals_).value();
  SecureMiner miner(bridge->port(), files_.certificate);
  ASSERT_TRUE(miner.agreed());
  std::string text;  // longer than what the bridge reads at once
  for (int i = 1; i <= 200; ++i) {
    text += "{\"id\":" + std::to_string(i) + ",\"method\":\"mining.ping\",\"params\":[]}\n";
  }
  ASSERT_GT(text.size(), 8000u);
  ASSERT_TRUE(miner.send(text));
  EXPECT_NE(miner.until("\"id\":200,"), "");
}

TEST_F(BridgeTlsTest, APlainMinerIsHungUpOnInOrderAndNamed) {
  const auto bridge = Bridge::start(options(), &refusals_).value();
  ScriptedMiner miner(bridge->port());
  ASSERT_TRUE(miner.send("{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[\"t/1\"]}\n"));
  EXPECT_TRUE(miner.hung_up());
  EXPECT_FALSE(miner.was_reset());
  EXPECT_THAT(refusals_.text(), HasSubstr("no TLS: "));
  // The socket is closed a moment before it is counted.
  for (int i = 0; i < 2000 && bridge->metrics().connections > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(bridge->metrics().connections, 0u);
}

TEST_F(BridgeTlsTest, AHandshakeThatNeverEndsIsCutOff) {
  BridgeOptions wanted = options();
  wanted.limits.tls_handshake_max = std::chrono::milliseconds(300);
  const auto bridge = Bridge::start(wanted, &refusals_).value();
  ScriptedMiner silent(bridge->port()), slow(bridge->port());
  ASSERT_TRUE(slow.send(std::string_view("\x16\x03\x01\x02\x00\x01", 6)));  // a hello begins
  EXPECT_TRUE(silent.hung_up());
  EXPECT_TRUE(slow.hung_up());
  EXPECT_THAT(refusals_.text(), HasSubstr("no TLS handshake in time"));
  EXPECT_EQ(bridge->metrics().miners, 0u);
}

TEST_F(BridgeTlsTest, ACertificateWithoutItsKeyDoesNotStart) {
  BridgeOptions wanted = options();
  wanted.tls_key.clear();
  EXPECT_EQ(Bridge::start(wanted).error().code, ErrorCode::kNotFound);
  wanted.tls_key = maker_.make("other").key;
  EXPECT_EQ(Bridge::start(wanted).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::stratum
