#include "calx/device/bm13xx_emulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

#include "calx/base/assert.h"
#include "calx/base/hex.h"
#include "calx/device/bm13xx_register.h"
#include "calx/device/header_search.h"
#include "calx/hash/big_endian.h"

namespace calx::device {
namespace {

using Kind = Bm13xxCommand::Kind;

constexpr std::size_t kChipsMax = 64;
constexpr std::uint32_t kChunkNonces = 4096;
constexpr std::uint64_t kChunks = (std::uint64_t{1} << 32) / kChunkNonces;
constexpr double kClockError = 1.0;      // MHz, what the dividers cannot reach
constexpr double kBaudTolerance = 0.03;  // of the speed; more and bytes break
constexpr unsigned kCoresOfNonce = 128;  // the nonce's seven top bits
constexpr std::uint64_t kCounterUnit = std::uint64_t{1} << 32;

RegisterValue value_of(const Bytes& data) noexcept { return {data[2], data[3], data[4], data[5]}; }

std::uint32_t load_le32(const std::uint8_t* bytes) noexcept {
  return hash::swap_bytes(hash::load_be32(bytes));
}

hash::Digest words_restored(const std::uint8_t* reversed) noexcept {
  hash::Digest digest{};
  for (std::size_t word = 0; word < 8; ++word) {
    std::memcpy(digest.data() + 4 * word, reversed + 4 * (7 - word), 4);
  }
  return digest;
}

}  // namespace

Bm13xxEmulator::Bm13xxEmulator(const Bm13xxEmulatorOptions& options)
    : kind_(&kind_of(options.chip)), chips_(options.chips), base_bits_(options.base_bits) {
  CALX_ASSERT(chips_ >= 1 && chips_ <= kChipsMax && base_bits_ <= 32);
  expect_all();
}

void Bm13xxEmulator::expect_all() {
  const auto steps = init_steps(kind_->chip);
  const auto write = [](std::uint8_t address, const InitStep& step) {
    return Bytes{address, step.reg, step.value[0], step.value[1], step.value[2], step.value[3]};
  };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const InitStep& step = steps[i];
    switch (step.what) {
      case InitDo::kWrite:
        expected_.push_back({.what = step.what, .data = write(0, step)});
        break;
      case InitDo::kWriteFirst:
        expected_.push_back({.what = step.what, .all = false, .data = write(0, step)});
        break;
      case InitDo::kWriteEach: {
        std::size_t end = i;
        while (end < steps.size() && steps[end].what == InitDo::kWriteEach) ++end;
        for (std::size_t chip = 0; chip < chips_; ++chip) {
          for (std::size_t j = i; j < end; ++j) {
            expected_.push_back({.what = step.what,
                                 .all = false,
                                 .data = write(chip_address(chip, chips_), steps[j])});
          }
        }
        i = end - 1;
        break;
      }
      case InitDo::kCountChips:
        expected_.push_back({.what = step.what, .kind = Kind::kRead, .data = {0, kChipIdRegister}});
        break;
      case InitDo::kInactive:
        expected_.push_back({.what = step.what, .kind = Kind::kInactive, .data = {0, 0}});
        break;
      case InitDo::kAddress:
        for (std::size_t chip = 0; chip < chips_; ++chip) {
          expected_.push_back({.what = step.what,
                               .kind = Kind::kSetAddress,
                               .all = false,
                               .data = {chip_address(chip, chips_), 0}});
        }
        break;
      case InitDo::kVersionMask:
        expected_.push_back({.what = step.what, .data = {0, kVersionMaskRegister}});
        break;
      case InitDo::kTicketMask:
        expected_.push_back({.what = step.what, .data = {0, kTicketMaskRegister}});
        break;
      case InitDo::kHashCount:
        expected_.push_back({.what = step.what, .data = {0, kHashCountRegister}});
        break;
      case InitDo::kRamp:
        expected_.push_back({.what = step.what, .data = {0, kPllRegister}});
        break;
      case InitDo::kHostBaud:  // shows by the speed of the next bytes
        break;
    }
  }
}

void Bm13xxEmulator::refuse(std::string why) {
  if (refusal_.empty()) refusal_ = std::move(why);
}

void Bm13xxEmulator::receive(std::span<const std::uint8_t> bytes, std::uint32_t baud) {
  if (!refusal_.empty()) return;
  if (std::abs(static_cast<double>(baud) - baud_) > kBaudTolerance * baud_) {
    refuse(fmt::format("bytes at {} baud, wanted {}", baud, baud_));
    return;
  }
  in_.push(bytes);
  while (const auto command = in_.next()) on_command(*command);
}

void Bm13xxEmulator::on_command(const Bm13xxCommand& command) {
  if (!refusal_.empty()) return;
  if (at_ == expected_.size()) {
    on_awake(command);
    return;
  }
  // A ramp takes any number of steps; whatever else comes must be the step behind it.
  const bool leaves_ramp = expected_[at_].what == InitDo::kRamp && mhz_ >= kind_->mhz_min &&
                           at_ + 1 < expected_.size() && !fits(expected_[at_], command);
  if (leaves_ramp) ++at_;
  if (!refusal_.empty()) return;
  if (!fits(expected_[at_], command)) {
    refuse(fmt::format("step {}: command of kind {} with data {}, wanted kind {} with data {}", at_,
                       static_cast<int>(command.kind), to_hex(command.data),
                       static_cast<int>(expected_[at_].kind), to_hex(expected_[at_].data)));
    return;
  }
  const InitDo what = expected_[at_].what;
  if (command.kind == Kind::kWrite) apply_write(command);
  if (what == InitDo::kCountChips) answer_read(kChipIdRegister);
  // A chip whose sequence ends in a ramp is never awake by itself: a step always follows it.
  if (what != InitDo::kRamp) ++at_;
}

bool Bm13xxEmulator::fits(const Expected& expected, const Bm13xxCommand& command) {
  if (command.kind != expected.kind || command.all != expected.all) return false;
  if (expected.what == InitDo::kRamp) {
    return command.data[1] == kPllRegister ||
           (command.data[1] == kPllDividerRegister && kind_->chip == Bm13xx::kBm1397);
  }
  return std::ranges::equal(
      expected.data,
      std::span(command.data).first(std::min(expected.data.size(), command.data.size())));
}

bool Bm13xxEmulator::ramp(const RegisterValue& value) {
  const auto pll = decode_pll(*kind_, value);
  if (!pll) {
    refuse(pll.error().message);
    return false;
  }
  const bool jumps = std::abs(pll->mhz() - mhz_) > kRampStepMhz + kClockError;
  if (jumps || pll->mhz() > kind_->mhz_max + kClockError) {
    refuse(fmt::format("clock from {} to {} MHz, wanted steps of {} up to {}", mhz_, pll->mhz(),
                       kRampStepMhz, kind_->mhz_max));
    return false;
  }
  mhz_ = pll->mhz();
  return true;
}

void Bm13xxEmulator::apply_write(const Bm13xxCommand& command) {
  const std::uint8_t reg = command.data[1];
  const RegisterValue value = value_of(command.data);
  registers_[reg] = value;
  switch (reg) {
    case kPllRegister:
      ramp(value);
      break;
    case kTicketMaskRegister:
      if (const auto bits = ticket_mask_bits(value)) {
        ticket_bits_ = *bits;
      } else {
        refuse(bits.error().message);
      }
      break;
    case kVersionMaskRegister:
      if (value[0] != 0x90 || value[1] != 0) refuse("version mask without 9000 before it");
      version_mask_ = static_cast<std::uint16_t>(value[2] << 8 | value[3]);
      break;
    case kHashCountRegister:
      if (value == RegisterValue{}) refuse("a nonce space of 0");
      break;
    case kFastUartRegister:
      if (kind_->chip != Bm13xx::kBm1397) baud_ = kind_->fast_baud;
      break;
    case kMiscControlRegister:
      if (kind_->chip == Bm13xx::kBm1397) baud_ = misc_control_baud(value);
      break;
    default:
      break;
  }
}

void Bm13xxEmulator::on_awake(const Bm13xxCommand& command) {
  constexpr std::uint8_t kWritable[] = {kPllRegister, kPllDividerRegister, kTicketMaskRegister,
                                        kHashCountRegister, kVersionMaskRegister};
  switch (command.kind) {
    case Kind::kRead:
      answer_read(command.data[1]);
      break;
    case Kind::kWrite:
      if (std::ranges::find(kWritable, command.data[1]) == std::end(kWritable)) {
        refuse(fmt::format("register {:02x} written while hashing", command.data[1]));
      }
      apply_write(command);
      break;
    case Kind::kJob:
      load(command.data);
      break;
    case Kind::kSetAddress:
    case Kind::kInactive:
      refuse("addresses changed while hashing");
      break;
  }
}

void Bm13xxEmulator::load(const Bytes& data) {
  constexpr std::size_t kHeaderJobBytes = 82, kNonceAt = 2, kNbitsAt = 6, kNtimeAt = 10;
  Loaded job{.id = static_cast<std::uint8_t>(data[0] % kJobIds)};
  if (load_le32(data.data() + kNonceAt) != 0) return refuse("a job that starts above nonce 0");
  const bool full = data.size() == kHeaderJobBytes;
  if (full != (kind_->form == JobForm::kFullHeader)) return refuse("a job of another chip's form");
  job.header.nbits = load_le32(data.data() + kNbitsAt);
  job.header.ntime = load_le32(data.data() + kNtimeAt);
  if (full) {
    job.rolls = true;
    job.header.merkle_root = words_restored(data.data() + 14);
    job.header.previous_hash = words_restored(data.data() + 46);
    job.header.version = load_le32(data.data() + 78);
  } else {
    std::copy_n(data.begin() + 14, 4, job.header.merkle_root.end() - 4);
    for (std::size_t at = 18; at < data.size(); at += 32) {
      hash::State state{};
      for (std::size_t word = 0; word < 8; ++word) {
        state[word] = hash::load_be32(data.data() + at + 4 * (7 - word));
      }
      job.midstates.push_back(state);
    }
    if (job.midstates.size() != data[1]) return refuse("a job whose midstates are miscounted");
  }
  const hash::Header bytes = work::encode(job.header);
  for (std::size_t word = 0; word < 3; ++word) {
    job.tail[word] = hash::load_be32(bytes.data() + 64 + 4 * word);
  }
  newest_ = std::move(job);
  chunk_ = 0;
}

std::optional<std::uint32_t> Bm13xxEmulator::version_at(std::uint64_t index) const {
  std::uint32_t bits = 0;
  for (unsigned bit = 0; bit < 16; ++bit) {
    if (!(version_mask_ >> bit & 1)) continue;
    if (index & 1) bits |= std::uint32_t{1} << (bit + 13);
    index >>= 1;
  }
  if (index != 0) return std::nullopt;
  return bits;
}

void Bm13xxEmulator::work(std::uint64_t nonces) {
  if (!awake() || !newest_) return;
  if (!search_job(*newest_, hashes_ + nonces)) newest_.reset();
}

// Until so many hashes were made in all; false when nothing of the job is left.
bool Bm13xxEmulator::search_job(const Loaded& job, std::uint64_t end) {
  // Small cores try the same nonces side by side, each in a version of its own.
  const std::uint64_t lanes = job.rolls ? kind_->small_cores : job.midstates.size();
  while (hashes_ < end) {
    const std::uint64_t lane = chunk_ % lanes, place = chunk_ / lanes;
    const std::uint64_t sweep = place / kChunks;
    const auto first = static_cast<std::uint32_t>(place % kChunks * kChunkNonces);
    ++chunk_;
    if (!job.rolls) {
      if (sweep > 0) return false;
      const auto which = static_cast<std::size_t>(lane);
      search(job, job.midstates[which], static_cast<unsigned>(lane), 0, first);
      continue;
    }
    const auto bits = version_at(sweep * lanes + lane);
    if (!bits && lane == 0) return false;  // every version of every nonce was tried
    if (!bits) continue;
    work::BlockHeader header = job.header;
    header.version |= *bits;
    search(job, midstate_of(work::encode(header)), static_cast<unsigned>(lane), *bits, first);
  }
  return true;
}

void Bm13xxEmulator::search(const Loaded& job, const hash::State& midstate, unsigned small_core,
                            std::uint32_t version_bits, std::uint32_t first) {
  const unsigned wanted = base_bits_ + ticket_bits_;
  const unsigned cores = std::min(kind_->cores, kCoresOfNonce);
  hashes_ += kChunkNonces;
  const auto found = [&](std::uint32_t nonce, unsigned bits) {
    if (hash::swap_bytes(nonce) >> 25 >= cores) return;  // there is no such core
    const bool tells = kind_->form == JobForm::kFullHeader;
    const NonceReply reply{.nonce = nonce,
                           .job_id = job.id,
                           .small_core = small_core,
                           .version_bits = version_bits,
                           .excess = static_cast<std::uint8_t>(tells ? 2 * (bits - wanted) : 0)};
    const Bytes bytes = encode_reply(*kind_, {.nonce = reply});
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  };
  search_header(midstate, job.tail, first, kChunkNonces, wanted, found);
}

void Bm13xxEmulator::answer_read(std::uint8_t reg) {
  for (std::size_t chip = 0; chip < chips_; ++chip) {
    RegisterValue value = registers_[reg];
    if (reg == kChipIdRegister) {
      value = {static_cast<std::uint8_t>(kind_->chip_id >> 8),
               static_cast<std::uint8_t>(kind_->chip_id),
               static_cast<std::uint8_t>(kind_->chip == Bm13xx::kBm1397 ? 0x18 : 0), 0};
    } else if (reg == kTotalCountRegister) {
      hash::store_be32(value.data(), static_cast<std::uint32_t>(hashes_ / chips_ / kCounterUnit));
    }
    const bool addressed = reg != kChipIdRegister || at_ == expected_.size();
    const Bytes reply = encode_reply(
        *kind_,
        {.reg = RegisterReply{.value = value,
                              .address = addressed ? chip_address(chip, chips_) : std::uint8_t{0},
                              .reg = reg}});
    out_.insert(out_.end(), reply.begin(), reply.end());
  }
}

Bytes Bm13xxEmulator::take_output() { return std::exchange(out_, {}); }

Result<std::size_t> Bm13xxEmulatorWire::read(std::span<std::uint8_t> out, Deadline deadline) {
  constexpr std::uint64_t kNoncesAtOnce = 1u << 15;
  while (pending_.empty()) {
    pending_ = emulator_.take_output();
    if (!pending_.empty()) break;
    if (std::chrono::steady_clock::now() >= deadline) return std::size_t{0};
    if (emulator_.busy()) {
      emulator_.work(kNoncesAtOnce);
    } else {
      std::this_thread::sleep_until(deadline);
    }
  }
  const std::size_t count = std::min(out.size(), pending_.size());
  std::copy_n(pending_.begin(), count, out.begin());
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(count));
  return count;
}

Result<void> Bm13xxEmulatorWire::write(std::span<const std::uint8_t> bytes) {
  emulator_.receive(bytes, baud_);
  return {};
}

Result<void> Bm13xxEmulatorWire::set_baud(std::uint32_t baud) {
  baud_ = baud;
  return {};
}

}  // namespace calx::device
