#include "calx/thermo/sha256d_noise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <new>
#include <utility>

#include "calx/hash/bulk.h"

namespace calx::thermo {
namespace {

constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kDigestsAtOnce = 64;

Result<void> check_prefix(const std::string& prefix) {
  if (prefix.size() <= kNoisePrefixBytesMax) return {};
  return fail(ErrorCode::kInvalidArgument, fmt::format("noise prefix: {} bytes, wanted at most {}",
                                                       prefix.size(), kNoisePrefixBytesMax));
}

void put_message(const std::string& prefix, std::uint64_t index, std::uint8_t* out) noexcept {
  std::ranges::copy(prefix, out);
  for (std::size_t b = 0; b < 8; ++b) {
    out[prefix.size() + b] = static_cast<std::uint8_t>(index >> 8 * b);
  }
}

// Draws of 16 bits in digests of 16, each step on a fresh one.
class DigestDraws : public NoiseSource {
 public:
  DigestDraws(std::uint32_t chains, std::uint32_t units) : chains_(chains), units_(units) {}

  [[nodiscard]] unsigned bits() const noexcept final { return 16; }

  [[nodiscard]] std::uint64_t digests_a_step() const noexcept {
    return (std::uint64_t{chains_} * units_ + kDrawsPerDigest - 1) / kDrawsPerDigest;
  }

  [[nodiscard]] Result<void> check(const NoiseExtent& extent) const override {
    if (extent.normal) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("noise {}: 16 bits a draw, wanted 32 for normal values: use the "
                              "lattice random walk",
                              name()));
    }
    if (extent.chains > chains_ || extent.units != units_) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("noise {}: made for {} chains of {} units, not for {} of {}", name(),
                              chains_, units_, extent.chains, extent.units));
    }
    return check_addresses(extent);
  }

  void words(const NoiseBlock& block, std::span<std::uint32_t> out) const noexcept final {
    const std::uint64_t step_first = block.step * digests_a_step();
    std::array<std::uint8_t, kDigestBytes * kDigestsAtOnce> bytes{};
    for (std::uint32_t c = 0; c < block.chains; ++c) {
      const std::uint64_t first = std::uint64_t{block.chain_first + c} * units_ + block.unit_first;
      const std::uint64_t end = first + block.units;
      std::uint32_t* to = out.data() + std::size_t{c} * block.units;
      for (std::uint64_t draw = first; draw < end;) {
        const std::uint64_t digest = draw / kDrawsPerDigest;
        const std::uint64_t count =
            std::min<std::uint64_t>(kDigestsAtOnce, (end - 1) / kDrawsPerDigest - digest + 1);
        digests(step_first + digest, count, bytes.data());
        const std::uint64_t stop = std::min(end, (digest + count) * kDrawsPerDigest);
        for (; draw < stop; ++draw) {
          const std::uint8_t* two = bytes.data() + 2 * (draw - digest * kDrawsPerDigest);
          *to++ = std::uint32_t{two[0]} << 16 | std::uint32_t{two[1]} << 24;
        }
      }
    }
  }

 private:
  virtual void digests(std::uint64_t first, std::uint64_t count,
                       std::uint8_t* out) const noexcept = 0;

  std::uint32_t chains_, units_;
};

class Sha256dNoise final : public DigestDraws {
 public:
  Sha256dNoise(std::string prefix, std::uint32_t chains, std::uint32_t units)
      : DigestDraws(chains, units), prefix_(std::move(prefix)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "sha256d"; }
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kSoftware; }
  [[nodiscard]] std::uint64_t sha256d_calls() const noexcept override { return calls_; }

 private:
  void digests(std::uint64_t first, std::uint64_t count,
               std::uint8_t* out) const noexcept override {
    const std::size_t length = prefix_.size() + 8;
    std::array<std::uint8_t, (kNoisePrefixBytesMax + 8) * kDigestsAtOnce> messages;
    std::array<hash::Digest, kDigestsAtOnce> once, twice;
    for (std::uint64_t i = 0; i < count; ++i) {
      put_message(prefix_, first + i, messages.data() + i * length);
    }
    const std::span digests_once(once.data(), count);
    hash::sha256_equal({messages.data(), count * length}, length, digests_once);
    hash::sha256_equal({once[0].data(), count * kDigestBytes}, kDigestBytes, {twice.data(), count});
    std::memcpy(out, twice.data(), count * kDigestBytes);
    calls_ += count;
  }

  std::string prefix_;
  mutable std::atomic<std::uint64_t> calls_ = 0;
};

class LogNoise final : public DigestDraws {
 public:
  LogNoise(NoiseLog log, std::uint32_t chains, std::uint32_t units)
      : DigestDraws(chains, units), log_(std::move(log)) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "log"; }
  [[nodiscard]] Origin origin() const noexcept override { return log_.origin; }

  [[nodiscard]] std::uint64_t steps() const noexcept {
    return log_.bytes.size() / (digests_a_step() * kDigestBytes);
  }

  [[nodiscard]] Result<void> check(const NoiseExtent& extent) const override {
    CALX_TRY(DigestDraws::check(extent));
    if (extent.steps <= steps()) return {};
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("noise log: {} bytes last for {} steps, wanted {}", log_.bytes.size(),
                            steps(), extent.steps));
  }

 private:
  void digests(std::uint64_t first, std::uint64_t count,
               std::uint8_t* out) const noexcept override {
    std::memcpy(out, log_.bytes.data() + first * kDigestBytes, count * kDigestBytes);
  }

  NoiseLog log_;
};

Result<void> check_box(std::uint32_t chains, std::uint32_t units) {
  const std::uint64_t draws = std::uint64_t{chains} * units;
  if (draws >= 1 && draws <= kNoiseChainsMax) return {};
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("noise: {} chains of {} units, wanted 1 to 2^32 draws a step", chains, units));
}

}  // namespace

Result<std::shared_ptr<const NoiseSource>> sha256d_noise(std::string prefix, std::uint32_t chains,
                                                         std::uint32_t units) {
  CALX_TRY(check_prefix(prefix));
  CALX_TRY(check_box(chains, units));
  return std::make_shared<Sha256dNoise>(std::move(prefix), chains, units);
}

Result<std::shared_ptr<const NoiseSource>> log_noise(NoiseLog log, std::uint32_t chains,
                                                     std::uint32_t units) {
  CALX_TRY(check_box(chains, units));
  if (log.bytes.size() > kNoiseLogBytesMax) {
    return fail(ErrorCode::kResourceExhausted, fmt::format("noise log: {} bytes, wanted at most {}",
                                                           log.bytes.size(), kNoiseLogBytesMax));
  }
  auto source = std::make_shared<LogNoise>(std::move(log), chains, units);
  if (source->steps() == 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("noise log: too short for one step, wanted at least {} bytes",
                            source->digests_a_step() * kDigestBytes));
  }
  return source;
}

Result<NoiseLog> record_sha256d(hash::DigestEngine& engine, const std::string& prefix,
                                std::uint64_t count) try {
  CALX_TRY(check_prefix(prefix));
  if (count > kNoiseLogBytesMax / kDigestBytes) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("noise log: {} digests, wanted at most {}", count,
                            kNoiseLogBytesMax / kDigestBytes));
  }
  NoiseLog log{std::vector<std::uint8_t>(count * kDigestBytes), engine.info().origin};
  const std::size_t batch = std::clamp<std::size_t>(engine.info().batch_max, 1, 4096);
  const std::size_t length = prefix.size() + 8;
  std::vector<std::uint8_t> texts(batch * length);
  std::vector<hash::Message> messages(batch);
  std::vector<hash::Digest> once(batch), twice(batch);
  for (std::uint64_t first = 0; first < count; first += batch) {
    const std::size_t n = std::min<std::uint64_t>(batch, count - first);
    for (std::size_t i = 0; i < n; ++i) {
      put_message(prefix, first + i, texts.data() + i * length);
      messages[i] = {texts.data() + i * length, length};
    }
    CALX_ASSIGN(inner, engine.digest({messages.data(), n}, {once.data(), n}));
    for (std::size_t i = 0; i < n; ++i) messages[i] = once[i];
    CALX_ASSIGN(outer, engine.digest({messages.data(), n}, {twice.data(), n}));
    log.origin = combine(log.origin, combine(inner.origin, outer.origin));
    std::memcpy(log.bytes.data() + first * kDigestBytes, twice.data(), n * kDigestBytes);
  }
  return log;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("noise log: no memory for {} digests", count));
}

}  // namespace calx::thermo
