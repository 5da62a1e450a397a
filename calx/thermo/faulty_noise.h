// Noise with a fault put in: what a certificate must notice.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "calx/thermo/noise_source.h"

namespace calx::thermo {

enum class NoiseFault : std::uint8_t {
  kDropped,  // every sixteenth unit gets the middle word: no kick to speak of
  kBiased,   // words are pushed up by 1/64 of their range
};

/// Another source's words with a fault in them; of Origin modelled.
class FaultyNoise final : public NoiseSource {
 public:
  FaultyNoise(std::shared_ptr<const NoiseSource> inner, NoiseFault fault)
      : inner_(std::move(inner)), fault_(fault) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "faulty"; }
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kModelled; }
  [[nodiscard]] unsigned bits() const noexcept override { return inner_->bits(); }
  [[nodiscard]] Result<void> check(const NoiseExtent& extent) const override {
    return inner_->check(extent);
  }

  void words(const NoiseBlock& block, std::span<std::uint32_t> out) const noexcept override {
    inner_->words(block, out);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t unit = block.unit_first + i % block.units;
      if (fault_ == NoiseFault::kDropped && unit % 16 == 5) out[i] = 0x80000000u;
      if (fault_ == NoiseFault::kBiased) out[i] = out[i] - out[i] / 64 + (1u << 26);
    }
  }

 private:
  std::shared_ptr<const NoiseSource> inner_;
  NoiseFault fault_;
};

}  // namespace calx::thermo
