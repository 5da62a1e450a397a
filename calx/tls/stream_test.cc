// Goal: bytes arrive as they were sent, and nobody is talked to who is not the named server, in
// time, with TLS 1.2 at least. Method: both ends over a socket pair in one thread, by turns; each
// fault of a certificate once; an old client of OpenSSL itself.
#include "calx/tls/stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "calx/tls/certificate_test.h"

namespace calx::tls {
namespace {

using testing::HasSubstr;

struct Sockets {
  Sockets() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0); }
  ~Sockets() {
    for (const int end : ends) ::close(end);
  }
  int ends[2] = {-1, -1};
};

bool over(Step step) { return step != Step::kWantsRead && step != Step::kWantsWrite; }

class StreamTest : public testing::Test {
 protected:
  // Both handshakes by turns; what each side came to.
  std::pair<Step, Step> agree(const CertificateFiles& shown, const CertificateFiles& trusted,
                              const std::string& name = "localhost") {
    server_ =
        Stream::accept(Context::server(shown.certificate, shown.key).value(), sockets_.ends[0])
            .value();
    client_ = Stream::connect(Context::client(trusted.certificate).value(), sockets_.ends[1], name)
                  .value();
    Step server = Step::kWantsRead, client = Step::kWantsRead;
    for (int i = 0; i < 100 && !(over(server) && over(client)); ++i) {
      if (!over(client)) client = client_->handshake();
      if (!over(server)) server = server_->handshake();
    }
    return {server, client};
  }

  CertificateMaker maker_{"calx_tls_stream_test"};
  Sockets sockets_;
  std::unique_ptr<Stream> server_, client_;
};

TEST_F(StreamTest, ALongTextArrivesWholeInBothDirections) {
  const auto files = maker_.make("localhost");
  ASSERT_EQ(agree(files, files), std::pair(Step::kDone, Step::kDone)) << client_->failure();
  std::string text;
  for (int i = 0; i < 60'000; ++i) text += static_cast<char>('a' + i % 23);
  for (auto [from, to] :
       {std::pair(client_.get(), server_.get()), std::pair(server_.get(), client_.get())}) {
    std::string read;
    std::size_t sent = 0;
    for (int i = 0; i < 1000 && read.size() < text.size(); ++i) {
      std::size_t count = 0;
      if (sent < text.size() &&
          from->write(std::string_view(text).substr(sent), count) == Step::kDone) {
        sent += count;
      }
      std::array<char, 1000> chunk;
      while (to->read(chunk, count) == Step::kDone) read.append(chunk.data(), count);
    }
    EXPECT_EQ(read, text);
  }
}

TEST_F(StreamTest, WhatIsDecryptedAndNotYetReadIsPendingAndTheEndIsSeen) {
  const auto files = maker_.make("localhost");
  ASSERT_EQ(agree(files, files).second, Step::kDone);
  std::size_t count = 0;
  ASSERT_EQ(client_->write("0123456789", count), Step::kDone);
  std::array<char, 4> chunk;
  ASSERT_EQ(server_->read(chunk, count), Step::kDone);
  EXPECT_TRUE(server_->pending());
  ASSERT_EQ(server_->read(chunk, count), Step::kDone);
  ASSERT_EQ(server_->read(chunk, count), Step::kDone);
  EXPECT_FALSE(server_->pending());
  EXPECT_EQ(server_->read(chunk, count), Step::kWantsRead);
  client_->finish();
  EXPECT_EQ(server_->read(chunk, count), Step::kClosed);
}

TEST_F(StreamTest, ACertificateOfSomebodyElseIsRefused) {
  const auto files = maker_.make("localhost"), other = maker_.make("other");
  EXPECT_EQ(agree(files, other).second, Step::kFailed);
  EXPECT_THAT(client_->failure(), HasSubstr("self-signed certificate"));
}

TEST_F(StreamTest, ACertificateForAnotherNameIsRefused) {
  const auto files = maker_.make("localhost");
  EXPECT_EQ(agree(files, files, "miner.example").second, Step::kFailed);
  EXPECT_THAT(client_->failure(), HasSubstr("ostname mismatch"));
}

TEST_F(StreamTest, AnAddressIsLookedForAmongTheAddresses) {
  const auto files = maker_.make("localhost");
  EXPECT_EQ(agree(files, files, "127.0.0.1").second, Step::kDone);
  Sockets others;
  std::swap(sockets_.ends, others.ends);
  EXPECT_EQ(agree(files, files, "127.0.0.2").second, Step::kFailed);
  EXPECT_THAT(client_->failure(), HasSubstr("IP address mismatch"));
}

TEST_F(StreamTest, AnExpiredCertificateIsRefused) {
  const auto files = maker_.make("localhost", -60);
  EXPECT_EQ(agree(files, files).second, Step::kFailed);
  EXPECT_THAT(client_->failure(), HasSubstr("expired"));
}

TEST_F(StreamTest, AClientBelowTls12IsRefused) {
  const auto files = maker_.make("localhost");
  const auto server =
      Stream::accept(Context::server(files.certificate, files.key).value(), sockets_.ends[0])
          .value();
  SSL_CTX* old = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(old, TLS1_VERSION);
  SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION);
  SSL_CTX_set_security_level(old, 0);
  SSL* client = SSL_new(old);
  SSL_set_fd(client, sockets_.ends[1]);
  SSL_connect(client);
  EXPECT_EQ(server->handshake(), Step::kFailed);
  EXPECT_THAT(server->failure(), HasSubstr("unsupported protocol"));
  SSL_free(client);
  SSL_CTX_free(old);
}

TEST_F(StreamTest, PlainTextIsNoHandshake) {
  const auto files = maker_.make("localhost");
  const auto server =
      Stream::accept(Context::server(files.certificate, files.key).value(), sockets_.ends[0])
          .value();
  const std::string line = R"({"id":1,"method":"mining.subscribe","params":[]})";
  ASSERT_GT(::send(sockets_.ends[1], line.data(), line.size(), 0), 0);
  EXPECT_EQ(server->handshake(), Step::kFailed);
  EXPECT_FALSE(server->failure().empty());
}

TEST_F(StreamTest, APeerThatIsGoneIsAFailureAndNoSignal) {
  const auto files = maker_.make("localhost");
  ASSERT_EQ(agree(files, files).second, Step::kDone);
  ::close(sockets_.ends[1]);
  sockets_.ends[1] = -1;
  std::size_t count = 0;
  EXPECT_EQ(server_->write("anybody?", count), Step::kFailed);
}

TEST_F(StreamTest, FilesThatAreNoneAreNamed) {
  const auto files = maker_.make("localhost"), other = maker_.make("other");
  EXPECT_EQ(Context::server(files.certificate, other.key).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(Context::server(files.key, files.key).error().code, ErrorCode::kInvalidArgument);
  const auto missing = Context::server(files.certificate, maker_.folder() / "none");
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr("none"));
  EXPECT_EQ(Context::client(files.key).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::tls
