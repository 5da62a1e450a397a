#include "calx/device/http_exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "calx/device/descriptor_wire.h"

namespace calx::device {
namespace {

namespace http = boost::beast::http;

class ReplyReader {
 public:
  ReplyReader() {
    parser_.eager(true);
    parser_.body_limit(kHttpBodyBytesMax);
    parser_.header_limit(kHttpHeadBytesMax);
  }

  Result<void> push(std::string_view bytes) {
    unread_ += bytes;
    while (!unread_.empty() && !parser_.is_done()) {
      boost::beast::error_code error;
      const std::size_t used = parser_.put(boost::asio::buffer(unread_), error);
      unread_.erase(0, used);
      if (error == http::error::need_more) break;
      if (error) return broken(error);
      if (used == 0) break;
    }
    if (unread_.size() > kHttpHeadBytesMax) {
      return fail(ErrorCode::kDataLoss, "HTTP reply: its head is too long");
    }
    return {};
  }

  Result<void> end() {
    boost::beast::error_code error = http::error::partial_message;
    if (parser_.is_done()) return {};
    if (parser_.got_some()) parser_.put_eof(error);
    if (error || !parser_.is_done()) return broken(error);
    return {};
  }

  [[nodiscard]] bool done() const { return parser_.is_done(); }
  [[nodiscard]] HttpReply take() {
    return {.status = static_cast<int>(parser_.get().result_int()),
            .body = std::move(parser_.get().body())};
  }

 private:
  static std::unexpected<Error> broken(const boost::beast::error_code& error) {
    return fail(ErrorCode::kDataLoss, fmt::format("HTTP reply: {}", error.message()));
  }
  http::response_parser<http::string_body> parser_;
  std::string unread_;
};

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string request_text(const LanAddress& device, std::string_view method, std::string_view path,
                         std::string_view body) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", method,
                                 path, device.to_string());
  if (!body.empty() || method != "GET") {
    text += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  }
  return text.append("\r\n").append(body);
}

}  // namespace

Result<HttpReply> parse_http_reply(std::string_view bytes) {
  ReplyReader reader;
  CALX_TRY(reader.push(bytes));
  CALX_TRY(reader.end());
  return reader.take();
}

Result<HttpReply> http_exchange(const LanAddress& device, std::string_view method,
                                std::string_view path, std::string_view body, Patience patience) {
  const auto now = std::chrono::steady_clock::now();
  const Deadline deadline = now + patience.whole;
  const Deadline connect_by = now + std::min(patience.connect, patience.whole);
  CALX_ASSIGN(wire, connect_tcp(device.ip, device.port, connect_by, Origin::kDevice));
  const std::string request = request_text(device, method, path, body);
  CALX_TRY(wire->write(bytes_of(request)));
  ReplyReader reader;
  std::array<std::uint8_t, 4096> buffer{};
  while (!reader.done()) {
    const auto count = wire->read(buffer, deadline);
    if (!count) {  // the end of a reply without a length
      CALX_TRY(reader.end());
      break;
    }
    if (*count == 0) {
      return fail(ErrorCode::kDeadlineExceeded,
                  fmt::format("{}: no whole reply within {} ms", device.to_string(),
                              patience.whole.count()));
    }
    CALX_TRY(reader.push({reinterpret_cast<const char*>(buffer.data()), *count}));
  }
  return reader.take();
}

}  // namespace calx::device
