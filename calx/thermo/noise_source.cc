#include "calx/thermo/noise_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "calx/base/assert.h"
#include "calx/noise/normal_transform.h"
#include "calx/noise/stream.h"
#include "calx/thermo/philox_kernel.h"

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
    for (std::uint32_t c = 0; c < block.chains; ++c) {
      row({key_, 0, block.chain_first + c, static_cast<std::uint32_t>(block.step),
           static_cast<std::uint32_t>(block.draw)},
          block.unit_first, out.subspan(std::size_t{c} * block.units, block.units));
    }
  }

 private:
  // Words unit_first ... of one chain: whole counters straight into their place, the counters that
  // the row cuts by way of a buffer.
  static void row(PhiloxRun run, std::uint32_t unit_first, std::span<std::uint32_t> out) noexcept {
    const PhiloxKernel& kernel = philox_kernel();
    run.first = unit_first / 4;
    const auto cut = [&](std::size_t skip) {
      std::array<std::uint32_t, 4> four{};
      kernel.run(run, four.data(), 1);
      const std::size_t count = std::min(4 - skip, out.size());
      std::copy_n(four.begin() + static_cast<std::ptrdiff_t>(skip), count, out.begin());
      out = out.subspan(count);
      ++run.first;
    };
    if (unit_first % 4 != 0 && !out.empty()) cut(unit_first % 4);
    const std::size_t whole = out.size() / 4;
    kernel.run(run, out.data(), whole);
    run.first += static_cast<std::uint32_t>(whole);
    out = out.subspan(4 * whole);
    if (!out.empty()) cut(0);
  }

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
