#include "calx/stratum/bridge.h"

#include <fmt/format.h>

#include <algorithm>

#include "calx/stratum/difficulty.h"
#include "calx/stratum/server.h"

namespace calx::stratum {
namespace {

constexpr std::size_t kSharesRememberedMax = std::size_t{1} << 28;

Result<void> check(const BridgeOptions& options) {
  const VardiffOptions& vardiff = options.vardiff;
  if (vardiff.log2_min < kLog2DifficultyMin || vardiff.log2_max > kLog2DifficultyMax ||
      vardiff.log2_min > vardiff.log2_max || vardiff.log2_start < vardiff.log2_min ||
      vardiff.log2_start > vardiff.log2_max) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("bridge: difficulty 2^{} from 2^{} to 2^{}, wanted exponents in order "
                            "and within {} to {}",
                            vardiff.log2_start, vardiff.log2_min, vardiff.log2_max,
                            kLog2DifficultyMin, kLog2DifficultyMax));
  }
  if (options.shares_remembered == 0 || options.shares_remembered > kSharesRememberedMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("bridge: {} shares to remember, wanted 1 to {}",
                            options.shares_remembered, kSharesRememberedMax));
  }
  for (const Worker& worker : options.workers) {
    if (worker.origin == Origin::kEmulated || worker.origin == Origin::kDevice) continue;
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("bridge: worker '{}' of origin {}, wanted emulated or device",
                            worker.name, to_string(worker.origin)));
  }
  return {};
}

}  // namespace

std::string_view to_string(BridgeEvent::Kind kind) noexcept {
  switch (kind) {
    case BridgeEvent::Kind::kJoined:
      return "joined";
    case BridgeEvent::Kind::kLeft:
      return "left";
    case BridgeEvent::Kind::kAccepted:
      return "accepted";
    case BridgeEvent::Kind::kRejected:
      return "rejected";
    case BridgeEvent::Kind::kNamed:
      return "named";
    case BridgeEvent::Kind::kRefused:
      return "refused";
  }
  return "unknown";
}

Result<std::unique_ptr<Bridge>> Bridge::start(BridgeOptions options, BridgeObserver* observer) {
  CALX_TRY(check(options));
  if (options.host == "localhost") options.host = "127.0.0.1";
  auto server = std::make_unique<Server>(std::move(options), observer);
  CALX_TRY(server->start());
  return std::unique_ptr<Bridge>(new Bridge(std::move(server)));
}

Bridge::Bridge(std::unique_ptr<Server> server) noexcept : server_(std::move(server)) {}

Bridge::~Bridge() = default;

const std::string& Bridge::host() const noexcept { return server_->options().host; }

std::uint16_t Bridge::port() const noexcept { return server_->port(); }

bool Bridge::loopback() const noexcept { return server_->loopback(); }

bool Bridge::secure() const noexcept { return server_->secure(); }

Origin Bridge::origin() const noexcept {
  const auto& workers = server_->options().workers;
  if (workers.empty()) return Origin::kEmulated;
  return std::ranges::min_element(workers, {}, &Worker::origin)->origin;
}

BridgeMetrics Bridge::metrics() const { return server_->metrics(); }

Result<work::FoundShare> Bridge::run(const work::Job& job, std::stop_token stop) {
  return server_->queue().run(job, std::move(stop));
}

}  // namespace calx::stratum
