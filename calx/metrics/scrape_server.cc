#include "calx/metrics/scrape_server.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <limits>
#include <optional>
#include <set>
#include <thread>

#include "calx/metrics/exposition.h"

namespace calx::metrics {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Reply = http::response<http::string_body>;

constexpr std::string_view kPath = "/metrics";
constexpr std::chrono::milliseconds kAcceptAgain(100);  // after the system refused a socket
constexpr std::size_t kDrainBytesMax = 64 * 1024;       // read and dropped behind the request

Reply plain(http::status status, unsigned version, std::string text) {
  Reply reply(status, version);
  reply.set(http::field::content_type, "text/plain; charset=utf-8");
  reply.body() = std::move(text);
  return reply;
}

// What a broken request deserves; nothing where nobody would read it.
std::optional<Reply> reply_to(const beast::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return plain(http::status::request_header_fields_too_large, 11, "the request is too long\n");
  }
  const bool of_http =
      error.category() == http::make_error_code(http::error::bad_method).category();
  if (!of_http || error == http::error::end_of_stream || error == http::error::partial_message) {
    return std::nullopt;
  }
  return plain(http::status::bad_request, 11, fmt::format("no HTTP: {}\n", error.message()));
}

Reply reply_to(const http::request<http::empty_body>& request,
               const std::function<std::string()>& scrape) {
  const unsigned version = request.version();
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    Reply reply = plain(http::status::method_not_allowed, version, "wanted GET or HEAD\n");
    reply.set(http::field::allow, "GET, HEAD");
    return reply;
  }
  const std::string_view target(request.target().data(), request.target().size());
  if (target.substr(0, target.find('?')) != kPath) {
    return plain(http::status::not_found, version, "the counters are at /metrics\n");
  }
  try {
    Reply reply = plain(http::status::ok, version, scrape());
    reply.set(http::field::content_type,
              beast::string_view(kContentType.data(), kContentType.size()));
    reply.set(http::field::cache_control, "no-store");
    return reply;
  } catch (const std::exception&) {
    return plain(http::status::service_unavailable, version, "the counters cannot be read now\n");
  }
}

class Exchange;
using Exchanges = std::set<std::shared_ptr<Exchange>>;

// One connection: a request, a reply, and the wait for the other side to read it.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(tcp::socket socket, const ScrapeOptions& options,
           const std::function<std::string()>& scrape, Exchanges& all)
      : stream_(std::move(socket)), buffer_(options.head_bytes_max), scrape_(scrape), all_(all) {
    parser_.header_limit(static_cast<std::uint32_t>(options.head_bytes_max));
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());  // no body is ever kept
    stream_.expires_after(options.exchange_time);
  }

  void start() {
    http::async_read_header(stream_, buffer_, parser_,
                            [self = shared_from_this()](const beast::error_code& error,
                                                        std::size_t) { self->on_read(error); });
  }

  void close() {
    beast::error_code ignored;
    stream_.socket().close(ignored);
  }

 private:
  void on_read(const beast::error_code& error) {
    auto reply = error ? reply_to(error) : reply_to(parser_.get(), scrape_);
    if (!reply) return end();
    reply_ = std::move(*reply);
    reply_.keep_alive(false);
    reply_.prepare_payload();
    const bool head = !error && parser_.get().method() == http::verb::head;
    if (head) reply_.body().clear();  // the length of the fields stays
    const auto done = [self = shared_from_this()](const beast::error_code& failed, std::size_t) {
      self->on_written(failed);
    };
    http::async_write(stream_, reply_, done);
  }

  // Closing over unread bytes would reset the connection under the reply.
  void on_written(const beast::error_code& error) {
    beast::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    if (error) return end();
    drain();
  }

  void drain() {
    stream_.async_read_some(
        asio::buffer(rest_),
        [self = shared_from_this()](const beast::error_code& error, std::size_t bytes) {
          self->drained_ += bytes;
          if (error || self->drained_ > kDrainBytesMax) return self->end();
          self->drain();
        });
  }

  void end() {
    close();
    all_.erase(shared_from_this());
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> parser_;
  const std::function<std::string()>& scrape_;
  Exchanges& all_;
  Reply reply_;
  std::array<char, 4096> rest_{};
  std::size_t drained_ = 0;
};

}  // namespace

struct ScrapeServer::Impl {
  Impl(const ScrapeOptions& wanted, std::function<std::string()> scrape)
      : options(wanted), scrape_now(std::move(scrape)), address(wanted.listen) {}

  Result<void> listen() {
    beast::error_code error;
    const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
    const auto number = asio::ip::make_address(host, error);
    if (error) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("metrics at \"{}\": wanted the number of an interface, such as "
                              "127.0.0.1",
                              address.host));
    }
    const tcp::endpoint endpoint(number, address.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (error) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("no metrics at {}: {}", address.to_string(), error.message()));
    }
    address.port = acceptor.local_endpoint(error).port();
    accept();
    thread = std::jthread([this] { context.run(); });
    return {};
  }

  void accept() {
    acceptor.async_accept([this](const beast::error_code& error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) {
        again.expires_after(kAcceptAgain);
        again.async_wait([this](const beast::error_code& stopped) {
          if (!stopped) accept();
        });
        return;
      }
      if (exchanges.size() < options.connections_max) {
        auto exchange =
            std::make_shared<Exchange>(std::move(socket), options, scrape_now, exchanges);
        exchanges.insert(exchange);
        exchange->start();
      }
      accept();
    });
  }

  ScrapeOptions options;
  std::function<std::string()> scrape_now;
  Address address;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::steady_timer again{context};
  Exchanges exchanges;
  std::jthread thread;
};

ScrapeServer::ScrapeServer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

ScrapeServer::~ScrapeServer() {
  impl_->context.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
  impl_->exchanges.clear();
}

const Address& ScrapeServer::address() const noexcept { return impl_->address; }

Result<std::unique_ptr<ScrapeServer>> ScrapeServer::start(const ScrapeOptions& options,
                                                          std::function<std::string()> scrape) {
  auto impl = std::make_unique<Impl>(options, std::move(scrape));
  CALX_TRY(impl->listen());
  return std::unique_ptr<ScrapeServer>(new ScrapeServer(std::move(impl)));
}

}  // namespace calx::metrics
