#include "calx/emulate/axeos_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace calx::emulate {
namespace {

namespace http = boost::beast::http;

constexpr int kPollMilliseconds = 50;
constexpr int kRequestPolls = 100;  // 5 s for a client to send its request
constexpr std::size_t kRequestBytesMax = 32 * 1024;

bool readable(int descriptor, const std::stop_token& stop, int polls) {
  for (; polls > 0 && !stop.stop_requested(); --polls) {
    pollfd polled{.fd = descriptor, .events = POLLIN, .revents = 0};
    if (::poll(&polled, 1, kPollMilliseconds) > 0) return true;
  }
  return false;
}

// Feeds the parser until the request is whole; false when it never is.
bool read_request(int connection, http::request_parser<http::string_body>& parser,
                  const std::stop_token& stop) {
  std::string input;
  std::array<char, 4096> chunk;
  while (!parser.is_done() && input.size() < kRequestBytesMax &&
         readable(connection, stop, kRequestPolls)) {
    const ssize_t got = ::recv(connection, chunk.data(), chunk.size(), 0);
    if (got <= 0) return false;
    input.append(chunk.data(), static_cast<std::size_t>(got));
    boost::system::error_code error;
    const std::size_t used = parser.put(boost::asio::buffer(input), error);
    if (error && error != http::error::need_more) return false;
    input.erase(0, used);
  }
  return parser.is_done();
}

void send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

// Names that firmware of another time or another maker uses for the same.
std::string renamed(std::string body) {
  static constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"\"hashRate\"", "\"hashrate\""},
      {"\"ASICModel\"", "\"asicModel\""},
      {"\"temp\"", "\"boardtemp1\""},
      {"\"version\"", "\"axeOSVersion\""},
      {"\"fanspeed\"", "\"fanSpeed\""},
      {"\"fanrpm\"", "\"fanSpeedRpm\""},
      {"\"stratumDiff\"", "\"stratumDifficulty\""}};
  for (const auto& [name, other] : kNames) {
    const std::size_t at = body.find(name);
    if (at != std::string::npos) body.replace(at, name.size(), other);
  }
  return body;
}

std::string_view text(boost::beast::string_view view) { return {view.data(), view.size()}; }

std::string encode(const HttpAnswer& answer, std::string_view type) {
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      answer.status, text(http::obsolete_reason(static_cast<http::status>(answer.status))), type,
      answer.body.size(), answer.body);
}

}  // namespace

Result<std::unique_ptr<AxeosServer>> AxeosServer::start(AxeosEmulator emulator,
                                                        std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(listener, generic, size) != 0 || ::listen(listener, SOMAXCONN) != 0 ||
      ::getsockname(listener, generic, &size) != 0) {
    const auto error = fail(ErrorCode::kUnavailable,
                            fmt::format("AxeOS emulator: port {}: {}", port, std::strerror(errno)));
    if (listener >= 0) ::close(listener);
    return error;
  }
  return std::unique_ptr<AxeosServer>(
      new AxeosServer(std::move(emulator), listener, ntohs(address.sin_port)));
}

AxeosServer::AxeosServer(AxeosEmulator emulator, int listener, std::uint16_t port)
    : emulator_(std::move(emulator)),
      listener_(listener),
      port_(port),
      thread_([this](const std::stop_token& stop) { serve(stop); }) {}

AxeosServer::~AxeosServer() {
  thread_.request_stop();
  thread_.join();
  ::close(listener_);
}

void AxeosServer::with_emulator(const std::function<void(AxeosEmulator&)>& use) {
  const std::lock_guard lock(mutex_);
  use(emulator_);
}

void AxeosServer::set_fault(AxeosFault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = fault;
}

void AxeosServer::serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (!readable(listener_, stop, 1)) continue;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    serve_one(connection, stop);
    ::close(connection);
  }
}

void AxeosServer::serve_one(int connection, const std::stop_token& stop) {
  http::request_parser<http::string_body> parser;
  parser.eager(true);
  parser.body_limit(kRequestBytesMax);
  if (!read_request(connection, parser, stop)) return;
  HttpAnswer answer;
  AxeosFault fault = AxeosFault::kNone;
  {
    const std::lock_guard lock(mutex_);
    fault = fault_;
    const auto& request = parser.get();
    answer =
        emulator_.handle(text(request.method_string()), text(request.target()), request.body());
  }
  switch (fault) {
    case AxeosFault::kRenamed:
      answer.body = renamed(std::move(answer.body));
      [[fallthrough]];
    case AxeosFault::kNone:
      send_all(connection,
               encode(answer, answer.body.starts_with('{') ? "application/json" : "text/plain"));
      break;
    case AxeosFault::kSilent:
      readable(connection, stop, kRequestPolls);
      break;
    case AxeosFault::kStalled:
    case AxeosFault::kCutAnswer: {
      const std::string whole = encode(answer, "application/json");
      send_all(connection, std::string_view(whole).substr(0, whole.size() / 2));
      if (fault == AxeosFault::kStalled) readable(connection, stop, kRequestPolls);
      break;
    }
    case AxeosFault::kNotJson:
      send_all(connection, encode({200, "<!doctype html><title>AxeOS</title>"}, "text/html"));
      break;
  }
}

}  // namespace calx::emulate
