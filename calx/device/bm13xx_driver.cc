#include "calx/device/bm13xx_driver.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <thread>

#include "calx/device/bm13xx_register.h"
#include "calx/work/share.h"

namespace calx::device {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kChipsMax = 128;
constexpr unsigned kRealBaseBits = 32;
constexpr unsigned kTicketBitsMax = 16;  // more would leave the chain silent for minutes
constexpr auto kPoll = std::chrono::milliseconds(20);           // how soon a stop is seen
constexpr auto kIntervalMin = std::chrono::microseconds(1000);  // a job takes 0.9 ms at 1 Mbaud

// The next version bits inside the mask, in counting order.
std::uint32_t next_bits(std::uint32_t bits, std::uint32_t mask) noexcept {
  return ((bits | ~mask) + 1) & mask;
}

}  // namespace

Bm13xxDriver::Bm13xxDriver(Wire& wire, const Bm13xxOptions& options)
    : wire_(wire),
      options_(options),
      kind_(&kind_of(options.chip)),
      replies_(*kind_),
      judge_(kind_->name, options.base_bits) {
  mhz_ = options.mhz == 0 ? kind_->default_mhz : clamp_mhz(*kind_, options.mhz);
}

Result<std::unique_ptr<Bm13xxDriver>> Bm13xxDriver::open(Wire& wire, const Bm13xxOptions& options) {
  std::unique_ptr<Bm13xxDriver> driver(new Bm13xxDriver(wire, options));
  CALX_TRY(driver->wake());
  return driver;
}

Origin Bm13xxDriver::origin() const noexcept {
  return options_.base_bits < kRealBaseBits ? combine(Origin::kEmulated, wire_.origin())
                                            : wire_.origin();
}

Bm13xxDriver::Counts Bm13xxDriver::counts() const noexcept {
  Counts counts = counts_;
  counts.nonces = judge_.nonces() + counts_.lost;
  counts.above_target = judge_.above_target();
  counts.wrong = judge_.wrong();
  counts.bytes_skipped = replies_.bytes_skipped();
  return counts;
}

Result<void> Bm13xxDriver::wake() {
  CALX_TRY(wire_.set_baud(options_.reset_baud));
  const auto steps = options_.steps.empty() ? init_steps(kind_->chip) : options_.steps;
  for (std::size_t at = 0; at < steps.size();) CALX_TRY(step(steps, at));
  if (chips_ == 0) return fail(ErrorCode::kUnavailable, "the chain was never counted");
  CALX_ASSIGN(answers, read_register(kChipIdRegister));
  if (answers.size() != chips_) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{} of {} chips answer after the start", answers.size(), chips_));
  }
  return {};
}

Result<void> Bm13xxDriver::step(std::span<const InitStep> steps, std::size_t& at) {
  const InitStep& step = steps[at];
  std::size_t end = at + 1;
  while (step.what == InitDo::kWriteEach && end < steps.size() &&
         steps[end].what == InitDo::kWriteEach) {
    ++end;
  }
  const auto block = steps.subspan(at, end - at);
  at = end;
  switch (step.what) {
    case InitDo::kWrite:
      return wire_.write(write_all(step.reg, step.value));
    case InitDo::kWriteFirst:
      return wire_.write(write_one(0, step.reg, step.value));
    case InitDo::kWriteEach:
      return write_block(block);
    case InitDo::kCountChips:
      return count_chips();
    case InitDo::kInactive:
      return wire_.write(chain_inactive());
    case InitDo::kAddress:
      for (std::size_t chip = 0; chip < chips_; ++chip) {
        CALX_TRY(wire_.write(set_address(chip_address(chip, chips_))));
      }
      return {};
    case InitDo::kVersionMask:
      return wire_.write(write_all(kVersionMaskRegister, device::version_mask(version_mask_)));
    case InitDo::kTicketMask:
      return wire_.write(write_all(kTicketMaskRegister, ticket_mask(ticket_bits_)));
    case InitDo::kRamp:
      return ramp();
    case InitDo::kHashCount:
      return wire_.write(write_all(kHashCountRegister, hash_count(*kind_, chips_, mhz_)));
    case InitDo::kHostBaud:
      return wire_.set_baud(kind_->fast_baud);
  }
  return fail(ErrorCode::kInternal, "a step of no kind");
}

Result<void> Bm13xxDriver::count_chips() {
  CALX_ASSIGN(answers, read_register(kChipIdRegister));
  for (const RegisterReply& answer : answers) {
    const auto id = static_cast<std::uint16_t>(answer.value[0] << 8 | answer.value[1]);
    if (id != kind_->chip_id) {
      return fail(ErrorCode::kUnavailable,
                  fmt::format("a chip answers with id {:04x}, wanted {}", id, kind_->name));
    }
  }
  if (answers.empty() || answers.size() > kChipsMax) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("{} {} chips answered on the wire, wanted 1 to {}", answers.size(),
                            kind_->name, kChipsMax));
  }
  chips_ = answers.size();
  return {};
}

Result<void> Bm13xxDriver::write_block(std::span<const InitStep> block) {
  for (std::size_t chip = 0; chip < chips_; ++chip) {
    for (const InitStep& step : block) {
      CALX_TRY(wire_.write(write_one(chip_address(chip, chips_), step.reg, step.value)));
    }
    std::this_thread::sleep_for(options_.chip_pause);
  }
  return {};
}

Result<void> Bm13xxDriver::ramp() {
  for (double mhz = kRampFirstMhz; mhz < mhz_; mhz += kRampStepMhz) CALX_TRY(set_clock(mhz));
  return set_clock(mhz_);
}

Result<void> Bm13xxDriver::set_clock(double mhz) {
  const RegisterValue value = encode_pll(*kind_, find_pll(*kind_, mhz));
  const bool twice = kind_->chip == Bm13xx::kBm1397;
  if (twice) {
    for (int i = 0; i < 2; ++i) {
      CALX_TRY(wire_.write(write_all(kPllDividerRegister, {0x0f, 0x0f, 0x0f, 0x00})));
    }
    CALX_TRY(wire_.write(write_all(kPllRegister, value)));
  }
  CALX_TRY(wire_.write(write_all(kPllRegister, value)));
  std::this_thread::sleep_for(options_.ramp_pause);
  return {};
}

Result<bool> Bm13xxDriver::receive(Deadline deadline) {
  std::uint8_t buffer[512];
  CALX_ASSIGN(count, wire_.read(buffer, deadline));
  replies_.push(std::span(buffer).first(count));
  return count > 0;
}

Result<std::vector<RegisterReply>> Bm13xxDriver::read_register(std::uint8_t reg) {
  CALX_TRY(wire_.write(read_all(reg)));
  std::vector<RegisterReply> answers;
  for (auto quiet = steady_clock::now() + options_.count_silence;;) {
    CALX_ASSIGN(more, receive(quiet));
    while (const auto reply = replies_.next()) {
      if (reply->reg && reply->reg->reg == reg) {
        answers.push_back(*reply->reg);
        quiet = steady_clock::now() + options_.count_silence;
      }
    }
    if (!more || answers.size() > kChipsMax) return answers;
  }
}

double Bm13xxDriver::rate() const noexcept {
  if (options_.hashes_per_second > 0) return options_.hashes_per_second;
  return kind_->small_cores_used * mhz_ * 1e6 * static_cast<double>(chips_);
}

std::chrono::microseconds Bm13xxDriver::interval(const work::Job& job) const noexcept {
  const double headers = std::ldexp(1.0, 32 + std::popcount(job.version_mask));
  const double half = 1e6 * 0.5 * headers / rate();
  const std::chrono::microseconds longest = options_.job_interval;
  if (half > static_cast<double>(longest.count())) return longest;
  return std::max(kIntervalMin, std::chrono::microseconds(static_cast<std::int64_t>(half)));
}

Result<void> Bm13xxDriver::aim(const work::Job& job) {
  const int reachable = static_cast<int>(std::log2(rate())) - static_cast<int>(options_.base_bits);
  const int wanted =
      static_cast<int>(leading_zero_bits(job.target)) - static_cast<int>(options_.base_bits);
  const auto bits = static_cast<unsigned>(
      std::clamp(std::min(wanted, reachable), 0, static_cast<int>(kTicketBitsMax)));
  if (bits != ticket_bits_) {
    CALX_TRY(wire_.write(write_all(kTicketMaskRegister, ticket_mask(bits))));
    ticket_bits_ = bits;
  }
  if (kind_->form == JobForm::kFullHeader && job.version_mask != version_mask_) {
    CALX_TRY(wire_.write(write_all(kVersionMaskRegister, device::version_mask(job.version_mask))));
    version_mask_ = job.version_mask;
  }
  return {};
}

Result<void> Bm13xxDriver::send(const work::Job& job,
                                const std::vector<std::uint8_t>& extranonce_2) {
  work::Share share = first_share(job);
  share.extranonce_2 = extranonce_2;
  const work::BlockHeader header = work::check_share(job, share).header;
  job_id_ = static_cast<std::uint8_t>((job_id_ + kind_->job_step) % kJobIds);
  Work slot{.extranonce_2 = extranonce_2};
  ++counts_.jobs;
  if (kind_->form == JobForm::kFullHeader) {
    ring_[job_id_] = std::move(slot);
    return wire_.write(full_header_job(job_id_, header));
  }
  const bool rolls = std::popcount(job.version_mask) >= 2;  // room for four versions
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < (rolls ? kMidstatesMax : 1); ++i) {
    slot.versions.push_back(job.version | bits);
    bits = next_bits(bits, job.version_mask);
  }
  const Bytes frame = midstate_job(job_id_, header, slot.versions);
  ring_[job_id_] = std::move(slot);
  return wire_.write(frame);
}

std::optional<work::Share> Bm13xxDriver::judge(const work::Job& job, const NonceReply& nonce) {
  const auto& slot = ring_[nonce.job_id % kJobIds];
  const bool known = slot && (slot->versions.empty() || nonce.small_core < slot->versions.size());
  if (!known) {
    ++counts_.lost;
    return std::nullopt;
  }
  const std::uint32_t version =
      slot->versions.empty() ? job.version | nonce.version_bits : slot->versions[nonce.small_core];
  work::Share share = first_share(job);
  share.extranonce_2 = slot->extranonce_2;
  share.nonce = nonce.nonce;
  share.version_bits = version ^ job.version;
  if (!judge_.accepts(job, share)) return std::nullopt;
  return share;
}

Result<work::FoundShare> Bm13xxDriver::run(const work::Job& job, std::stop_token stop) {
  CALX_TRY(work::check(job));
  CALX_TRY(aim(job));
  ring_.fill(std::nullopt);
  judge_.start();
  std::vector<std::uint8_t> extranonce_2(job.extranonce2_bytes);
  auto heard = steady_clock::now(), next_job = heard;
  for (;;) {
    const auto now = steady_clock::now();
    if (stop.stop_requested()) return fail(ErrorCode::kCancelled, "the search was stopped");
    if (now >= job.deadline) {
      return fail(ErrorCode::kDeadlineExceeded, "no share was found before the deadline");
    }
    if (now - heard > options_.silence_max) {
      return fail(ErrorCode::kUnavailable, fmt::format("{} on the wire has been silent for {} ms",
                                                       kind_->name, options_.silence_max.count()));
    }
    if (now >= next_job) {
      CALX_TRY(send(job, extranonce_2));
      count_up(extranonce_2);
      next_job = now + interval(job);
    }
    CALX_TRY(receive(std::min({next_job, job.deadline, now + kPoll})));
    while (const auto reply = replies_.next()) {
      if (!reply->nonce) continue;
      heard = steady_clock::now();
      if (auto share = judge(job, *reply->nonce)) {
        return work::FoundShare{.share = *std::move(share), .origin = origin()};
      }
    }
    CALX_TRY(judge_.trust());
  }
}

}  // namespace calx::device
