#include "calx/device/asic_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

#include "calx/device/asic_frame.h"
#include "calx/device/descriptor_wire.h"

namespace calx::device {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kSilentHeartbeats = 4;
constexpr std::uint32_t kHeartbeatMsMax = 60'000;
constexpr auto kPoll = milliseconds(50);

AsicNonce random_nonce() {
  std::random_device device;
  AsicNonce nonce;
  for (std::uint8_t& byte : nonce) byte = static_cast<std::uint8_t>(device());
  return nonce;
}

class AsicStreamWire final : public Wire {
 public:
  AsicStreamWire(std::unique_ptr<Wire> inner, const AsicStreamOptions& options)
      : inner_(std::move(inner)),
        origin_(options.origin),
        name_("the agent at " + options.address.to_string()) {}

  ~AsicStreamWire() override {
    if (!reader_.joinable()) return;
    reader_.request_stop();
    reader_.join();
    static_cast<void>(send({.type = AsicType::kEnd, .body = {0}}));
  }

  Result<void> greet(const std::string& token, Deadline deadline) {
    CALX_ASSIGN(first, receive(deadline));
    CALX_ASSIGN(challenge, parse_challenge(first));
    if (challenge.version_min > kAsicVersion || challenge.version_max < kAsicVersion) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("{} speaks calx-asic {} to {}, wanted {}", name_,
                              challenge.version_min, challenge.version_max, kAsicVersion));
    }
    const AsicNonce nonce = random_nonce();
    CALX_TRY(send(hello_frame(token, challenge.nonce, nonce)));
    CALX_ASSIGN(second, receive(deadline));
    CALX_ASSIGN(welcome, parse_welcome(second));
    const auto wanted = asic_proof(token, AsicRole::kAgent, kAsicVersion, challenge.nonce, nonce);
    if (!equal_in_constant_time(welcome.proof, wanted)) {
      return fail(ErrorCode::kInvalidArgument, name_ + " does not know the token");
    }
    if (welcome.heartbeat_ms == 0 || welcome.heartbeat_ms > kHeartbeatMsMax) {
      return fail(ErrorCode::kDataLoss, fmt::format("{}: a heartbeat of {} ms, wanted 1 to {}",
                                                    name_, welcome.heartbeat_ms, kHeartbeatMsMax));
    }
    silence_max_ = kSilentHeartbeats * milliseconds(welcome.heartbeat_ms);
    reader_ = std::jthread([this](const std::stop_token& stop) { listen(stop); });
    return {};
  }

  [[nodiscard]] Origin origin() const noexcept override { return origin_; }

  Result<std::size_t> read(std::span<std::uint8_t> out, Deadline deadline) override {
    std::unique_lock lock(mutex_);
    arrived_.wait_until(lock, deadline, [this] { return !unread_.empty() || failure_; });
    if (unread_.empty() && failure_) return std::unexpected(*failure_);
    const std::size_t count = std::min(out.size(), unread_.size());
    const auto end = unread_.begin() + static_cast<std::ptrdiff_t>(count);
    std::copy(unread_.begin(), end, out.begin());
    unread_.erase(unread_.begin(), end);
    return count;
  }

  Result<void> write(std::span<const std::uint8_t> bytes) override {
    if (bytes.empty() || bytes.size() > kAsicPacketMax) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("a packet of {} bytes, wanted 1 to {}",
                                                           bytes.size(), kAsicPacketMax));
    }
    {
      const std::scoped_lock lock(mutex_);
      if (failure_) return std::unexpected(*failure_);
    }
    return send({.type = AsicType::kPacket, .body = {bytes.begin(), bytes.end()}});
  }

 private:
  Result<void> send(const AsicFrame& frame) {
    const std::scoped_lock lock(sending_);
    return inner_->write(encode(frame, sequence_++));
  }

  // One frame of the greeting.
  Result<AsicFrame> receive(Deadline deadline) {
    for (;;) {
      CALX_ASSIGN(frame, frames_.next());
      if (frame && frame->type == AsicType::kEnd) return std::unexpected(end_reason(*frame, name_));
      if (frame) return *std::move(frame);
      std::uint8_t buffer[512];
      CALX_ASSIGN(count, inner_->read(buffer, deadline));
      if (count == 0) {
        return fail(ErrorCode::kDeadlineExceeded,
                    name_ + " did not answer within the time allowed");
      }
      frames_.push(std::span(buffer).first(count));
    }
  }

  void listen(const std::stop_token& stop) {
    auto heard = steady_clock::now();
    while (!stop.stop_requested()) {
      std::uint8_t buffer[4096];
      const auto count = inner_->read(buffer, steady_clock::now() + kPoll);
      if (!count) return give_up(count.error());
      if (*count > 0) heard = steady_clock::now();
      frames_.push(std::span(buffer).first(*count));
      if (auto taken = take_frames(); !taken) return give_up(taken.error());
      if (steady_clock::now() - heard > silence_max_) {
        return give_up(
            {.code = ErrorCode::kUnavailable,
             .message = fmt::format("{} has been silent for {} ms", name_, silence_max_.count())});
      }
    }
  }

  Result<void> take_frames() {
    for (;;) {
      CALX_ASSIGN(frame, frames_.next());
      if (!frame) return {};
      if (frame->type == AsicType::kData) {
        keep(frame->body);
      } else if (frame->type == AsicType::kPing) {
        CALX_TRY(send({.type = AsicType::kPong, .body = std::move(frame->body)}));
      } else if (frame->type == AsicType::kEnd) {
        return std::unexpected(end_reason(*frame, name_));
      } else if (frame->type != AsicType::kPong) {
        return fail(ErrorCode::kDataLoss,
                    fmt::format("{} sent a frame of type {} after its welcome", name_,
                                static_cast<int>(frame->type)));
      }
    }
  }

  void keep(std::span<const std::uint8_t> bytes) {
    const std::scoped_lock lock(mutex_);
    unread_.insert(unread_.end(), bytes.begin(), bytes.end());
    if (unread_.size() > kAsicUnreadBytesMax) {
      unread_.erase(unread_.begin(),
                    unread_.end() - static_cast<std::ptrdiff_t>(kAsicUnreadBytesMax));
    }
    arrived_.notify_all();
  }

  void give_up(Error error) {
    const std::scoped_lock lock(mutex_);
    failure_ = std::move(error);
    arrived_.notify_all();
  }

  std::unique_ptr<Wire> inner_;
  Origin origin_;
  std::string name_;
  milliseconds silence_max_{};
  AsicFrameStream frames_;  // of the greeting, then of the reader
  std::mutex sending_;
  std::uint32_t sequence_ = 0;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::uint8_t> unread_;
  std::optional<Error> failure_;
  std::jthread reader_;
};

}  // namespace

Result<std::unique_ptr<Wire>> connect_asic_stream(const AsicStreamOptions& options) {
  const auto deadline = steady_clock::now() + options.connect_time;
  CALX_ASSIGN(inner,
              connect_tcp(options.address.host, options.address.port, deadline, options.origin));
  auto wire = std::make_unique<AsicStreamWire>(std::move(inner), options);
  CALX_TRY(wire->greet(options.token, deadline));
  return wire;
}

}  // namespace calx::device
