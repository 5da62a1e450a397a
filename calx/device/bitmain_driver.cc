#include "calx/device/bitmain_driver.h"

#include <fmt/format.h>

#include <algorithm>

namespace calx::device {
namespace {

using std::chrono::steady_clock;

constexpr unsigned kRealBaseBits = 32;
constexpr int kStatusWaits = 4;
constexpr std::size_t kSentMax = 512;  // far more than the device's FIFO holds
constexpr unsigned kDifficultyMax = 12;
constexpr auto kPoll = std::chrono::milliseconds(20);
constexpr std::size_t kDrainBytesMax = 1u << 20;

}  // namespace

BitmainDriver::BitmainDriver(Wire& wire, const BitmainOptions& options)
    : wire_(wire),
      options_(options),
      answers_(options.dialect),
      judge_(options.dialect.kind == BitmainKind::kS1 ? "antminer-s1" : "antminer-s3",
             options.base_bits) {}

Result<std::unique_ptr<BitmainDriver>> BitmainDriver::open(Wire& wire,
                                                           const BitmainOptions& options) {
  std::unique_ptr<BitmainDriver> driver(new BitmainDriver(wire, options));
  CALX_TRY(driver->start());
  return driver;
}

Origin BitmainDriver::origin() const noexcept {
  return options_.base_bits < kRealBaseBits ? combine(Origin::kEmulated, wire_.origin())
                                            : wire_.origin();
}

Result<bool> BitmainDriver::receive(Deadline deadline) {
  std::uint8_t buffer[1024];
  CALX_ASSIGN(count, wire_.read(buffer, deadline));
  answers_.push(std::span(buffer).first(count));
  return count > 0;
}

Result<bool> BitmainDriver::await_status() {
  const auto deadline = steady_clock::now() + options_.answer_wait;
  for (;;) {
    CALX_ASSIGN(more, receive(deadline));
    while (auto answer = answers_.next()) {
      if (!answer->status) continue;
      status_ = *std::move(answer->status);
      space_ = status_.fifo_space;
      return true;
    }
    if (!more || steady_clock::now() >= deadline) return false;
  }
}

Result<void> BitmainDriver::start() {
  for (std::size_t drained = 0; drained < kDrainBytesMax;) {
    std::uint8_t buffer[1024];
    CALX_ASSIGN(count, wire_.read(buffer, steady_clock::now()));
    if (count == 0) break;
    drained += count;
  }
  bool heard = false;
  for (int wait = 0; wait < kStatusWaits && !heard; ++wait) {
    CALX_TRY(wire_.write(encode(options_.dialect, TokenStatusRequest{.detect_get = true})));
    CALX_ASSIGN(answered, await_status());
    heard = answered;
  }
  if (!heard) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("no status after {} requests: the kernel driver drops packets that it "
                            "does not understand without a word (see its log)",
                            kStatusWaits));
  }
  const TokenConfig config{.flags = {.reset = true,
                                     .fan = true,
                                     .timeout = true,
                                     .frequency = true,
                                     .voltage = true,
                                     .chip_config = true,
                                     .hw_error = true},
                           .chains = options_.chains,
                           .chips = options_.chips,
                           .fan_percent = options_.fan_percent,
                           .timeout = options_.timeout,
                           .mhz = std::clamp(options_.mhz, kS3MhzMin, kS3MhzMax),
                           .voltage = options_.voltage,
                           .reg = 4};
  return wire_.write(encode(options_.dialect, config));
}

Result<void> BitmainDriver::fill(const work::Job& job, bool first) {
  const unsigned bits = leading_zero_bits(job.target);
  const unsigned above = bits > options_.base_bits ? bits - options_.base_bits : 0;
  while (first || space_ > 0) {
    TokenTask task{.new_block = first,
                   .difficulty = static_cast<std::uint8_t>(std::min(above, kDifficultyMax))};
    const std::size_t count =
        first ? kTokenWorksMax : std::min<std::size_t>(space_, kTokenWorksMax);
    for (std::size_t i = 0; i < count; ++i) {
      work::Share share = first_share(job);
      share.extranonce_2 = extranonce_2_;
      const work::BlockHeader header = work::check_share(job, share).header;
      task.works.push_back(token_work(++next_id_, work::encode(header)));
      sent_.emplace(next_id_, extranonce_2_);
      count_up(extranonce_2_);
    }
    while (sent_.size() > kSentMax) sent_.erase(sent_.begin());
    CALX_TRY(wire_.write(encode(options_.dialect, task)));
    space_ -= std::min<std::uint32_t>(space_, static_cast<std::uint32_t>(count));
    first = false;
  }
  return {};
}

std::optional<work::Share> BitmainDriver::judged(const work::Job& job, const TokenNonce& nonce) {
  const auto work = sent_.find(nonce.work_id);
  if (work == sent_.end()) return std::nullopt;  // of an earlier job
  work::Share share = first_share(job);
  share.extranonce_2 = work->second;
  share.nonce = nonce.nonce;
  if (!judge_.accepts(job, share)) return std::nullopt;
  return share;
}

Result<work::FoundShare> BitmainDriver::run(const work::Job& job, std::stop_token stop) {
  CALX_TRY(work::check(job));
  judge_.start();
  sent_.clear();
  extranonce_2_.assign(job.extranonce2_bytes, 0);
  CALX_TRY(fill(job, true));
  auto heard = steady_clock::now(), asked = heard;
  for (;;) {
    const auto now = steady_clock::now();
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the search was stopped");
    if (now >= job.deadline) {
      return fail(ErrorCode::kDeadlineExceeded, "no share was found before the deadline");
    }
    if (now - heard > options_.silence_max) {
      return fail(ErrorCode::kUnavailable, fmt::format("the device has been silent for {} ms",
                                                       options_.silence_max.count()));
    }
    if (now - asked > options_.status_every) {
      asked = now;
      CALX_TRY(wire_.write(encode(options_.dialect, TokenStatusRequest{})));
    }
    CALX_TRY(receive(std::min(now + kPoll, job.deadline)));
    while (auto answer = answers_.next()) {
      heard = steady_clock::now();
      if (answer->status) {
        status_ = *std::move(answer->status);
        space_ = status_.fifo_space;
        continue;
      }
      if (!answer->nonces) continue;
      space_ = answer->nonces->fifo_space;
      for (const TokenNonce& nonce : answer->nonces->nonces) {
        if (auto share = judged(job, nonce)) {
          return work::FoundShare{.share = *std::move(share), .origin = origin()};
        }
      }
    }
    CALX_TRY(judge_.trust());
    CALX_TRY(fill(job, false));
  }
}

}  // namespace calx::device
