#include "apps/cli/bridge_engine.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>

namespace calx::cli {
namespace {

constexpr std::string_view kWorker = "worker=";

class BridgeEngine final : public work::JobRunner {
 public:
  explicit BridgeEngine(std::unique_ptr<stratum::Bridge> bridge) : bridge_(std::move(bridge)) {}

  [[nodiscard]] Origin origin() const noexcept override { return bridge_->origin(); }
  [[nodiscard]] std::uint32_t version_mask() const noexcept override { return work::kVersionMask; }
  Result<work::FoundShare> run(const work::Job& job, std::stop_token stop) override {
    return bridge_->run(job, std::move(stop));
  }

 private:
  std::unique_ptr<stratum::Bridge> bridge_;
};

// "HOST:PORT" or "[IPV6]:PORT"; port 0 takes a free one.
Result<void> parse_listen(std::string_view text, stratum::BridgeOptions& options) {
  const std::size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const std::string_view port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (host.empty() || port.empty() || error != std::errc() || end != port.data() + port.size()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("bridge: address \"{}\", wanted HOST:PORT such as 127.0.0.1:{}", text,
                            stratum::kDefaultPort));
  }
  options.host = host;
  return {};
}

}  // namespace

Result<stratum::BridgeOptions> parse_bridge(std::string_view text) {
  stratum::BridgeOptions options;
  std::size_t comma = text.find(',');
  CALX_TRY(parse_listen(text.substr(0, comma), options));
  while (comma != std::string_view::npos) {
    text.remove_prefix(comma + 1);
    comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    if (!part.starts_with(kWorker)) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("bridge: \"{}\", wanted worker=NAME:TOKEN[:ORIGIN]", part));
    }
    CALX_ASSIGN(worker, stratum::parse_worker(part.substr(kWorker.size())));
    options.workers.push_back(std::move(worker));
  }
  return options;
}

Result<std::unique_ptr<work::JobRunner>> open_bridge_engine(std::string_view text) {
  CALX_ASSIGN(options, parse_bridge(text));
  const bool anybody = options.workers.empty();
  CALX_ASSIGN(bridge, stratum::Bridge::start(std::move(options)));
  fmt::print(stderr, "{}", how_to_connect(*bridge, anybody));
  std::fflush(stderr);
  return std::make_unique<BridgeEngine>(std::move(bridge));
}

std::string how_to_connect(const stratum::Bridge& bridge, bool anybody) {
  std::string text = fmt::format("miners connect to stratum+{}://{}:{}{}\n",
                                 bridge.secure() ? "ssl" : "tcp", bridge.host(), bridge.port(),
                                 anybody ? ", any name and token (origin emulated)" : "");
  if (bridge.loopback()) {
    text += fmt::format(
        "only this machine reaches it; for a network: calx device bridge --listen 0.0.0.0:{} "
        "--worker NAME:TOKEN:device\n",
        bridge.port());
  }
  return text;
}

}  // namespace calx::cli
