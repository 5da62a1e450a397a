#include "calx/emulate/miner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "calx/base/hex.h"
#include "calx/hash/scan.h"
#include "calx/work/block_header.h"

namespace calx::emulate {
namespace {

constexpr Seconds kHeatingTime{120};  // time constant of a small heat sink; modelled
constexpr Time kNever = Time::max();
constexpr int kLieTries = 64;

}  // namespace

Result<std::unique_ptr<Miner>> Miner::open(MinerOptions options, Ledger& ledger) {
  if (!(options.speed >= kSpeedMin && options.speed <= kSpeedMax)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("emulator: speed {}, wanted {} to {}",
                                                         options.speed, kSpeedMin, kSpeedMax));
  }
  CALX_ASSIGN(gaps, Draws::open(options.seed, "emulate/clock", options.number));
  CALX_ASSIGN(chance, Draws::open(options.seed, "emulate/faults", options.number));
  const HashClock clock(gaps, options.device.hashes_per_second);
  return std::unique_ptr<Miner>(new Miner(std::move(options), ledger, clock, chance));
}

Miner::Miner(MinerOptions options, Ledger& ledger, const HashClock& clock, const Draws& chance)
    : options_(std::move(options)),
      ledger_(ledger),
      clock_(clock),
      chance_(chance),
      client_(options_.device.firmware, "calx-emulator/" + options_.device.kind, options_.worker,
              options_.token),
      backoff_(options_.device.firmware.reconnect_first) {}

// Far waits stay far: a time point has no room for a billion years.
Time Miner::after(Time now, Seconds device_time) const {
  const double seconds = std::min(device_time.count() / options_.speed, 1e8);
  return now + std::chrono::duration_cast<Time::duration>(Seconds(seconds));
}

void Miner::report(MinerEvent event) {
  event.miner = options_.number;
  if (events_.size() < kEventsMax) events_.push_back(std::move(event));
}

std::vector<MinerEvent> Miner::take_events() { return std::exchange(events_, {}); }

bool Miner::wants_connection(Time now) const noexcept { return !connected_ && now >= connect_at_; }

void Miner::on_connected(Time now) {
  connected_ = true;
  ++connections_;
  hang_up_ = silent_ = false;
  hang_up_reason_.clear();
  input_.clear();
  output_.clear();
  job_waiting_ = false;
  job_.reset();
  found_.reset();
  last_byte_ = now;
  due_ = kNever;
  suggest_at_ = kNever;
  if (powered_at_ == Time{}) {
    powered_at_ = now;
    if (options_.faults.overheat_after) hot_at_ = after(now, *options_.faults.overheat_after);
  }
  output_.push_back({now, client_.open()});
  report({.kind = MinerEvent::Kind::kConnected});
}

void Miner::on_closed(Time now, std::string_view why) {
  if (connected_) report({.kind = MinerEvent::Kind::kHungUp, .text = std::string(why)});
  connected_ = hang_up_ = false;
  ledger_.give_up(options_.number);
  found_.reset();
  job_.reset();
  due_ = kNever;
  connect_at_ = after(now, backoff_);
  backoff_ = std::min(2 * backoff_, options_.device.firmware.reconnect_max);
}

void Miner::hang_up(std::string why) {
  hang_up_ = true;
  hang_up_reason_ = std::move(why);
}

void Miner::on_bytes(std::string_view bytes, Time now) {
  if (silent_ || hang_up_) return;
  last_byte_ = now;
  input_ += bytes;
  std::size_t from = 0;
  for (auto end = input_.find('\n'); end != std::string::npos && !hang_up_;
       end = input_.find('\n', from)) {
    read_line(std::string_view(input_).substr(from, end - from), now);
    from = end + 1;
  }
  input_.erase(0, from);
  if (input_.size() > options_.device.firmware.line_bytes_max) {
    hang_up("a line of the pool is too long");
  }
}

void Miner::read_line(std::string_view line, Time now) {
  Reaction reaction = client_.on_line(line);
  if (!reaction.output.empty()) output_.push_back({now, std::move(reaction.output)});
  if (reaction.new_job) {
    job_waiting_ = true;
    job_clean_ = job_clean_ || reaction.clean;
    if (reaction.clean) ledger_.overtake(options_.number);
  }
  if (reaction.answer) {
    const auto record =
        ledger_.answer(options_.number, reaction.answer->number, reaction.answer->verdict, now);
    if (record) {
      report({.kind = MinerEvent::Kind::kAnswered,
              .text = std::move(reaction.answer->reason),
              .record = record});
    }
  }
  if (reaction.hang_up) hang_up(std::move(reaction.why));
}

void Miner::take_output(std::string& out, Time now) {
  if (silent_) return;
  while (!output_.empty() && output_.front().at <= now) {
    out += output_.front().bytes;
    output_.pop_front();
  }
}

void Miner::tick(Time now) {
  if (!connected_ || silent_ || hang_up_) return;
  const Firmware& firmware = options_.device.firmware;
  if (now - last_byte_ > firmware.silence_max) return hang_up("the pool is silent");
  if (!too_hot_ && now >= hot_at_) {
    too_hot_ = true;
    report({.kind = MinerEvent::Kind::kFault, .text = std::string(kTooHot)});
  }
  if (too_hot_ || !client_.authorized()) return;
  if (suggest_at_ == kNever && firmware.suggest_every.count() > 0) {
    suggest_at_ = now + firmware.suggest_every;
  } else if (now >= suggest_at_) {
    output_.push_back({now, client_.suggest_difficulty()});
    suggest_at_ = now + firmware.suggest_every;
  }
  const bool interval_over = now >= interval_end_;
  if (job_waiting_ && (job_clean_ || !job_ || interval_over)) {
    take_up_job(now);
  } else if (job_ && interval_over && firmware.job_interval.count() > 0) {
    interval_end_ = after(now, firmware.job_interval);
    if (!found_) next_header();
  }
  if (found_ && now >= due_) send_found(*found_, now);
}

void Miner::take_up_job(Time now) {
  const bool first = !job_;
  const auto& newest = client_.job();
  if (!newest) return;
  job_ = std::make_shared<const MiningJob>(*newest);
  job_waiting_ = job_clean_ = false;
  interval_end_ = after(now, options_.device.firmware.job_interval);
  found_.reset();
  roll_count_ = 0;
  const EmulatedDevice& device = options_.device;
  emulated_difficulty_ = device.emulated_difficulty(client_.difficulty());
  pool_target_ = work::Target::from_difficulty(client_.difficulty()).value_or(work::Target());
  const double effective = device.effective_difficulty(emulated_difficulty_);
  if (effective == 0) {
    job_.reset();
    return report(
        {.kind = MinerEvent::Kind::kFault,
         .text = fmt::format("difficulty {} stops this firmware's submits", client_.difficulty())});
  }
  // Waits have no memory: only another difficulty draws a new one.
  if (effective != effective_difficulty_ || due_ == kNever) {
    effective_difficulty_ = effective;
    due_ = after(now, clock_.gap(effective * std::ldexp(1.0, kRealBaseBits)));
  }
  next_header();
  if (first) {
    backoff_ = device.firmware.reconnect_first;
    report({.kind = MinerEvent::Kind::kWorking,
            .text = fmt::format("job {} at difficulty {}", job_->id, client_.difficulty())});
  }
}

// Where the version may roll it does; the extranonce counts in any case, from 0 in each job.
void Miner::next_header() {
  roll_.extranonce_2 = extranonce2_counter(roll_count_, job_->extranonce2_bytes);
  roll_.version_bits = version_bits_counter(roll_count_, job_->version_mask);
  ++roll_count_;
  const auto target = options_.device.target(emulated_difficulty_);
  if (target) chip_.load(header_of(*job_, roll_), *target);
}

bool Miner::hungry() const noexcept {
  return connected_ && !silent_ && !hang_up_ && !too_hot_ && job_ && !found_;
}

std::uint64_t Miner::hash(std::uint64_t nonces_max) {
  if (!hungry()) return 0;
  if (chip_.exhausted()) next_header();
  const Stretch stretch = chip_.run(nonces_max);
  hashes_ += stretch.tried;
  found_ = stretch.nonce;
  return stretch.tried;
}

Time Miner::wake_at() const noexcept {
  if (!connected_) return connect_at_;
  if (silent_) return kNever;
  Time at = output_.empty() ? kNever : output_.front().at;
  if (too_hot_) return at;
  at = std::min({at, hot_at_, suggest_at_});
  if (found_) at = std::min(at, due_);
  if (job_waiting_) at = std::min(at, interval_end_);
  return at;
}

// A nonce that misses what the pool asked for, unless that is next to nothing. Drawn, so that no
// two lies are duplicates.
std::optional<std::uint32_t> Miner::missing_nonce() {
  for (int i = 0; i < kLieTries; ++i) {
    const std::uint32_t nonce = chance_.word();
    const auto hash = work::block_hash(hash::with_nonce(chip_.header(), nonce));
    if (!pool_target_.met_by(hash)) return nonce;
  }
  return std::nullopt;
}

SubmitRecord Miner::record_of(std::uint32_t nonce, Fault fault, int expected, Time now) {
  return {.miner = options_.number,
          .number = submits_++,
          .fault = fault,
          .job = job_->id,
          .extranonce_2 = to_hex(roll_.extranonce_2),
          .ntime = job_->ntime,
          .nonce = nonce,
          .version_bits = roll_.version_bits,
          .expected = expected,
          .overtaken = job_waiting_ && job_clean_,
          .due = found_due_,
          .sent = now};
}

void Miner::send(const SubmitFields& fields, SubmitRecord record, Time now) {
  const bool at_once = record.fault == Fault::kDisconnect;
  const Time at = at_once ? now : now + options_.faults.latency;
  record.sent = at;
  output_.push_back({at, client_.submit(fields, record.number)});
  report({.kind = MinerEvent::Kind::kSent, .record = record});
  ledger_.enter(std::move(record));
}

// One field that cannot be, out of four.
void Miner::spoil(SubmitFields& fields) {
  switch (chance_.word() % 4) {
    case 0:
      fields.extranonce_2 += "00";
      break;
    case 1:
      fields.ntime = fmt::format("{:08x}", job_->ntime + 100'000);
      break;
    case 2:
      fields.nonce = "not hex";
      break;
    default:
      if (fields.version_bits) {
        fields.version_bits = fmt::format("{:08x}", ~job_->version_mask);
      } else {
        fields.ntime = "not hex";
      }
  }
}

void Miner::send_found(std::uint32_t nonce, Time now) {
  if (now - due_ > std::chrono::milliseconds(100)) ++late_;
  found_.reset();
  found_due_ = due_;
  due_ = after(now, clock_.gap(effective_difficulty_ * std::ldexp(1.0, kRealBaseBits)));
  const Fault fault = options_.faults.draw(chance_);
  SubmitFields fields = client_.fields(*job_, roll_, nonce);
  switch (fault) {
    case Fault::kLoss:
    case Fault::kHalfOpen: {
      SubmitRecord record = record_of(nonce, fault, kAccepted, now);
      report({.kind = MinerEvent::Kind::kFault,
              .text = std::string(to_string(fault)),
              .record = record});
      ledger_.enter(std::move(record));
      silent_ = fault == Fault::kHalfOpen;
      break;
    }
    case Fault::kLie: {
      const auto lie = missing_nonce();
      if (!lie) break;
      fields = client_.fields(*job_, roll_, *lie);
      send(fields, record_of(*lie, fault, kAboveTarget, now), now);
      break;
    }
    case Fault::kDuplicate:
      send(fields, record_of(nonce, Fault::kNone, kAccepted, now), now);
      send(fields, record_of(nonce, fault, kDuplicateShare, now), now);
      break;
    case Fault::kStale:
      fields.job = client_.withdrawn_job().empty() ? "never-issued" : client_.withdrawn_job();
      send(fields, record_of(nonce, fault, kStaleJob, now), now);
      break;
    case Fault::kCorrupt:
      spoil(fields);
      send(fields, record_of(nonce, fault, kMalformed, now), now);
      break;
    case Fault::kDisconnect:
      send(fields, record_of(nonce, fault, kAccepted, now), now);
      hang_up("disconnect, as planned");
      break;
    case Fault::kNone:
      send(fields, record_of(nonce, fault, kAccepted, now), now);
      break;
  }
}

double Miner::temperature(Time now) const noexcept {
  if (powered_at_ == Time{}) return kRoomTemperature;
  const double goal = options_.faults.overheat_after ? kStopTemperature : kWorkTemperature;
  const Seconds on = (now - powered_at_) * options_.speed;
  return goal - (goal - kRoomTemperature) * std::exp(-on / kHeatingTime);
}

}  // namespace calx::emulate
