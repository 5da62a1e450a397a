#include "calx/device/bitmain_emulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "calx/base/hex.h"
#include "calx/device/header_search.h"

namespace calx::device {
namespace {

constexpr std::size_t kLogLinesMax = 100;
constexpr std::uint64_t kNoncesAtOnce = 1u << 15;
constexpr std::size_t kNoncesOfPacketS1 = 8;

// Header bytes 64..75 as message words: the wire has each word's bytes reversed.
std::array<std::uint32_t, 3> message_words(const TokenWork& work) noexcept {
  std::array<std::uint32_t, 3> words{};
  for (std::size_t i = 0; i < work.tail.size(); ++i) {
    words[i / 4] |= static_cast<std::uint32_t>(work.tail[i]) << 8 * (i % 4);
  }
  return words;
}

}  // namespace

Result<void> BitmainEmulator::open() {
  if (owned_) return fail(ErrorCode::kUnavailable, "/dev/bitmain-asic: device or resource busy");
  owned_ = true;
  return {};
}

std::uint32_t BitmainEmulator::space() const noexcept {
  return kFifoTasks - static_cast<std::uint32_t>(std::min<std::size_t>(fifo_.size(), kFifoTasks));
}

void BitmainEmulator::write(std::span<const std::uint8_t> bytes) {
  const auto order = parse_order(options_.dialect, bytes);
  if (!order) {
    if (log_.size() < kLogLinesMax) {
      log_.push_back(fmt::format("Err:token{{{}}}",
                                 to_hex(bytes.first(std::min<std::size_t>(bytes.size(), 4)))));
    }
    return;
  }
  const auto& [config, task, request] = *order;
  if (config) on_config(*config);
  if (task) on_task(*task);
  if (request) on_request(*request);
}

void BitmainEmulator::on_config(const TokenConfig& config) {
  const bool whole = config.flags.reset && config.flags.frequency && config.flags.chip_config;
  if (whole && config.chains > 0 && config.chips > 0 && config.mhz > 0) {
    config_ = config;
    fifo_.clear();
  } else if (log_.size() < kLogLinesMax) {
    log_.push_back("configuration without reset, frequency or chips");
  }
}

void BitmainEmulator::on_task(const TokenTask& task) {
  if (!config_) return;  // nobody hashes before the configuration
  if (task.new_block) fifo_.clear(), tried_ = 0;
  for (const TokenWork& work : task.works) {
    if (space() == 0) break;
    fifo_.push_back(work);
  }
  difficulty_ = config_->flags.hw_error ? task.difficulty : 0;
}

void BitmainEmulator::on_request(const TokenStatusRequest&) {
  TokenStatus status{.fifo_space = space(), .hw_version = {1, 0, 0, 0}, .celsius = {38, 39}};
  status.chips.assign(config_ ? config_->chains : 1, config_ ? config_->chips : 0);
  status.fans = {60, 60};
  send(encode(options_.dialect, status));
}

void BitmainEmulator::send(const TokenBytes& bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

TokenBytes BitmainEmulator::read() { return std::exchange(out_, {}); }

void BitmainEmulator::work(std::uint64_t nonces) {
  if (!config_) return;
  TokenNonces report;
  while (nonces > 0 && !fifo_.empty()) {
    const TokenWork& work = fifo_.front();
    const std::uint64_t count = std::min(nonces, options_.nonces_per_work - tried_);
    search_header(work.midstate, message_words(work), static_cast<std::uint32_t>(tried_), count,
                  options_.base_bits + difficulty_, [&](std::uint32_t nonce, unsigned) {
                    report.nonces.push_back({.work_id = work.id, .nonce = nonce});
                  });
    nonces -= count, tried_ += count;
    if (tried_ == options_.nonces_per_work) fifo_.pop_front(), tried_ = 0;
  }
  total_ += report.nonces.size();
  report.total = total_;
  report.fifo_space = space();
  const std::size_t most =
      options_.dialect.kind == BitmainKind::kS1 ? kNoncesOfPacketS1 : kTokenNoncesMax;
  const std::vector<TokenNonce> all = std::exchange(report.nonces, {});
  std::size_t at = 0;
  do {
    const std::size_t end = std::min(all.size(), at + most);
    report.nonces.assign(all.begin() + static_cast<std::ptrdiff_t>(at),
                         all.begin() + static_cast<std::ptrdiff_t>(end));
    send(encode(options_.dialect, report));
    at = end;
  } while (at < all.size());
}

Result<std::unique_ptr<BitmainEmulatorWire>> BitmainEmulatorWire::open(BitmainEmulator& emulator) {
  CALX_TRY(emulator.open());
  return std::unique_ptr<BitmainEmulatorWire>(new BitmainEmulatorWire(emulator));
}

Result<std::size_t> BitmainEmulatorWire::read(std::span<std::uint8_t> out, Deadline deadline) {
  while (pending_.empty()) {
    pending_ = emulator_.read();
    if (!pending_.empty()) break;
    if (std::chrono::steady_clock::now() >= deadline) return std::size_t{0};
    if (emulator_.queued() > 0) {
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

Result<void> BitmainEmulatorWire::write(std::span<const std::uint8_t> bytes) {
  emulator_.write(bytes);
  return {};
}

}  // namespace calx::device
