// Goal: whatever a client sends, or does not send, it gets one right answer or a closed connection,
// and the next client is served. Method: fault. Raw bytes over loopback; the status lines are those
// of RFC 9110.
#include "calx/metrics/scrape_server.h"

#include <gtest/gtest.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <vector>

namespace calx::metrics {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;

class Client {
 public:
  explicit Client(const ScrapeServer& server) {
    socket_.connect({asio::ip::make_address("127.0.0.1"), server.address().port});
  }
  void send(std::string_view text) {
    boost::system::error_code ignored;  // the server may have closed already
    asio::write(socket_, asio::buffer(text.data(), text.size()), ignored);
  }
  /// Everything until the server closes.
  std::string rest() {
    std::string text;
    std::array<char, 4096> part{};
    boost::system::error_code error;
    while (!error) text.append(part.data(), socket_.read_some(asio::buffer(part), error));
    return text;
  }

 private:
  asio::io_context context_;
  tcp::socket socket_{context_};
};

class ScrapeServerTest : public testing::Test {
 protected:
  std::unique_ptr<ScrapeServer> start(ScrapeOptions options = {}) {
    auto server = ScrapeServer::start(options, [] { return std::string("calx_up 1\n"); });
    EXPECT_TRUE(server) << server.error().message;
    return server ? std::move(*server) : nullptr;
  }
  std::string ask(const ScrapeServer& server, std::string_view request) {
    Client client(server);
    client.send(request);
    return client.rest();
  }
};

TEST_F(ScrapeServerTest, GetReturnsTheCountersAndHeadTheirLengthAlone) {
  const auto server = start();
  for (const std::string target : {"/metrics", "/metrics?name=x"}) {
    const std::string reply = ask(*server, "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
    EXPECT_NE(reply.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
              std::string::npos);
    EXPECT_TRUE(reply.ends_with("\r\n\r\ncalx_up 1\n")) << reply;
  }
  const std::string head = ask(*server, "HEAD /metrics HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.0 200 OK\r\n")) << head;
  EXPECT_NE(head.find("Content-Length: 10\r\n"), std::string::npos) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
}

TEST_F(ScrapeServerTest, EverythingElseHasItsStatus) {
  const auto server = start();
  const std::string long_head =
      "GET /metrics HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"GET / HTTP/1.1\r\n\r\n", "404"},
      {"GET /metricsx HTTP/1.1\r\n\r\n", "404"},
      {"POST /metrics HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + std::string(30'000, 'b'),
       "405"},
      {"DELETE /metrics HTTP/1.1\r\n\r\n", "405"},
      {"GET /metrics HTTP/9.9\r\n\r\n", "400"},
      {"GET  /metrics\r\n\r\n", "400"},
      {"\x16\x03\x01 a TLS hello\r\n\r\n", "400"},
      {"GET /metrics HTTP/1.1\r\nno colon here\r\n\r\n", "400"},
      {long_head, "431"},
  };
  for (const auto& [request, status] : cases) {
    const std::string reply = ask(*server, request);
    EXPECT_TRUE(reply.starts_with("HTTP/1.") && reply.substr(9, 3) == status)
        << request.substr(0, 40) << " -> " << reply.substr(0, 60);
  }
  EXPECT_NE(ask(*server, "PUT /metrics HTTP/1.1\r\n\r\n").find("Allow: GET, HEAD\r\n"),
            std::string::npos);
}

TEST_F(ScrapeServerTest, ASlowClientIsClosedAndOthersAreServedMeanwhile) {
  const auto server = start({.exchange_time = milliseconds(300)});
  Client slow(*server);
  slow.send("GET /met");
  EXPECT_NE(ask(*server, "GET /metrics HTTP/1.0\r\n\r\n").find("calx_up 1"), std::string::npos);
  EXPECT_EQ(slow.rest(), "");  // returns only because the server closed
}

TEST_F(ScrapeServerTest, ConnectionsBeyondTheLimitAreClosedAtOnce) {
  const auto server = start({.connections_max = 2, .exchange_time = std::chrono::seconds(30)});
  auto first = std::make_unique<Client>(*server), second = std::make_unique<Client>(*server);
  EXPECT_EQ(Client(*server).rest(), "");
  first->send("GET /metrics HTTP/1.0\r\n\r\n");
  EXPECT_NE(first->rest().find("200 OK"), std::string::npos);
  first.reset();
  std::string reply;
  while (reply.empty()) reply = ask(*server, "GET /metrics HTTP/1.0\r\n\r\n");
  EXPECT_NE(reply.find("200 OK"), std::string::npos);
}

TEST_F(ScrapeServerTest, CountersThatFailAreA503AndNotTheEnd) {
  int calls = 0;
  const auto server = ScrapeServer::start({}, [&calls]() -> std::string {
    if (calls++ == 0) throw std::bad_alloc();
    return "calx_up 1\n";
  });
  ASSERT_TRUE(server);
  EXPECT_NE(ask(**server, "GET /metrics HTTP/1.0\r\n\r\n").find("503"), std::string::npos);
  EXPECT_NE(ask(**server, "GET /metrics HTTP/1.0\r\n\r\n").find("200"), std::string::npos);
}

TEST_F(ScrapeServerTest, ATakenPortOrANameIsAnError) {
  const auto server = start();
  const auto scrape = [] { return std::string(); };
  const auto taken = ScrapeServer::start({.listen = server->address()}, scrape);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kUnavailable);
  const auto name = ScrapeServer::start({.listen = {.host = "a.name", .port = 0}}, scrape);
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::metrics
