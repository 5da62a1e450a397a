#include "calx/thermo/noise_source.h"

#include <fmt/format.h>

#include <array>

#include "calx/base/assert.h"
#include "calx/noise/compat/nv_philox.h"
#include "calx/noise/normal_transform.h"
#include "calx/noise/stream.h"

namespace calx::thermo {
namespace {

noise::Stream open(const noise::Seed& seed, std::string_view name) {
  auto stream = noise::Stream::open(seed, name, 0);
  CALX_ASSERT(stream);  // the names below are printable ASCII
  return *stream;
}

class StreamNoise final : public NoiseSource {
 public:
  explicit StreamNoise(const noise::Seed& seed) : stream_(open(seed, "thermo")) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "calx-noise-1"; }
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kSoftware; }
  [[nodiscard]] unsigned bits() const noexcept override { return 32; }
  [[nodiscard]] Result<void> check(const NoiseExtent& extent) const override {
    return check_addresses(extent);
  }

  void words(const NoiseBlock& block, std::span<std::uint32_t> out) const noexcept override {
    const noise::Region region{.plane = static_cast<std::uint32_t>(block.draw),
                               .channel_first = static_cast<std::uint32_t>(block.step),
                               .row_first = block.chain_first,
                               .rows = block.chains,
                               .column_first = block.unit_first,
                               .columns = block.units};
    const auto made = stream_.bits(region, out);
    CALX_ASSERT(made);
  }

 private:
  noise::Stream stream_;
};

class PhiloxNoise final : public NoiseSource {
 public:
  explicit PhiloxNoise(const noise::Seed& seed) {
    const hash::State key = open(seed, "thermo/philox").key();
    key_ = {key[0], key[1]};
  }

  [[nodiscard]] std::string_view name() const noexcept override { return "philox"; }
  [[nodiscard]] Origin origin() const noexcept override { return Origin::kSoftware; }
  [[nodiscard]] unsigned bits() const noexcept override { return 32; }
  [[nodiscard]] Result<void> check(const NoiseExtent& extent) const override {
    return check_addresses(extent);
  }

  void words(const NoiseBlock& block, std::span<std::uint32_t> out) const noexcept override {
    const auto step = static_cast<std::uint32_t>(block.step);
    const auto draw = static_cast<std::uint32_t>(block.draw);
    std::size_t place = 0;
    for (std::uint32_t c = 0; c < block.chains; ++c) {
      const std::uint32_t chain = block.chain_first + c;
      std::array<std::uint32_t, 4> four{};
      std::uint32_t held = block.unit_first / 4 + 1;  // any other counter than the first one
      for (std::uint32_t u = 0; u < block.units; ++u) {
        const std::uint32_t unit = block.unit_first + u;
        if (unit / 4 != held) {
          held = unit / 4;
          four = noise::compat::philox4x32({held, chain, step, draw}, key_);
        }
        out[place++] = four[unit % 4];
      }
    }
  }

 private:
  std::array<std::uint32_t, 2> key_{};
};

}  // namespace

Result<void> check_addresses(const NoiseExtent& extent) {
  if (extent.steps <= kNoiseStepsMax && extent.chains <= kNoiseChainsMax &&
      extent.units <= kNoiseChainsMax) {
    return {};
  }
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("noise: {} steps of {} chains of {} units, wanted at most 2^32 of each",
                          extent.steps, extent.chains, extent.units));
}

std::shared_ptr<const NoiseSource> stream_noise(const noise::Seed& seed) {
  return std::make_shared<StreamNoise>(seed);
}

std::shared_ptr<const NoiseSource> philox_noise(const noise::Seed& seed) {
  return std::make_shared<PhiloxNoise>(seed);
}

void normals(const NoiseSource& source, const NoiseBlock& block, std::span<std::uint32_t> words,
             std::span<float> out) noexcept {
  source.words(block, words);
  noise::normal_transform(words, out);
}

}  // namespace calx::thermo
