#include "calx/thermo/defects.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calx/noise/normal_transform.h"

namespace calx::thermo {
namespace {

constexpr std::uint32_t kReaderChain = 0xffffffffu;

double largest(std::span<const double> values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

Result<void> check_spread(std::string_view what, double value) {
  if (value >= 0 && std::isfinite(value)) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("defects: {} is {}, wanted a finite number of at least 0", what, value));
}

std::vector<std::uint32_t> words_of(const NoiseSource& source, Draw draw, std::uint64_t step,
                                    std::uint32_t chain, std::size_t count) {
  std::vector<std::uint32_t> words(count);
  source.words({.step = step,
                .draw = draw,
                .chain_first = chain,
                .units = static_cast<std::uint32_t>(count)},
               words);
  return words;
}

// Gains at step `at`, dead wires at the next: two words a wire.
void build_factor(Matrix& factor, const Defects& defects, const NoiseSource& source,
                  std::uint64_t at, std::uint32_t coupling) {
  const double full = largest(factor.values);
  const auto gains = words_of(source, Draw::kBuild, at, coupling, factor.values.size());
  const auto lives = words_of(source, Draw::kBuild, at + 1, coupling, factor.values.size());
  for (std::size_t i = 0; i < factor.values.size(); ++i) {
    const double gain = 1 + defects.mismatch * double{noise::normal_value(gains[i])};
    const bool dead = (lives[i] + 0.5) * 0x1p-32 < defects.dead_wires;
    factor.values[i] = dead ? 0 : gain * quantise(factor.values[i], full, defects.factor_bits);
  }
}

void quantise_all(std::span<double> values, unsigned bits) {
  const double full = largest(values);
  for (double& value : values) value = quantise(value, full, bits);
}

}  // namespace

Result<void> check(const Defects& defects) {
  for (const unsigned bits : {defects.factor_bits, defects.bias_bits, defects.read_bits}) {
    if (bits != 1 && bits <= kConverterBitsMax) continue;
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("defects: {} bits, wanted 0 for exact or 2 to {}", bits, kConverterBitsMax));
  }
  CALX_TRY(check_spread("the mismatch", defects.mismatch));
  CALX_TRY(check_spread("the read gain's spread", defects.read_gain));
  CALX_TRY(check_spread("the read offset's spread", defects.read_offset));
  CALX_TRY(check_spread("the read noise", defects.read_noise));
  if (defects.dead_wires >= 0 && defects.dead_wires <= 1) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("defects: a share of {} dead wires, wanted 0 to 1", defects.dead_wires));
}

double quantise(double value, double full, unsigned bits) noexcept {
  if (bits == 0 || full == 0) return value;
  const double top = std::ldexp(1.0, static_cast<int>(bits) - 1) - 1;
  return std::clamp(std::nearbyint(value / full * top), -top, top) * full / top;
}

Result<Substrate> built_with(const Substrate& substrate, const Defects& defects,
                             const NoiseSource& source) {
  CALX_TRY(check(substrate));
  CALX_TRY(check(defects));
  std::size_t elements = 0;
  for (const Coupling& c : substrate.couplings) {
    elements = std::max({elements, c.left.values.size(), c.right.values.size()});
  }
  CALX_TRY(source.check({.steps = 4, .chains = substrate.couplings.size(), .units = elements}));
  Substrate built = substrate;
  for (std::size_t i = 0; i < built.couplings.size(); ++i) {
    const auto chain = static_cast<std::uint32_t>(i);
    build_factor(built.couplings[i].left, defects, source, 0, chain);
    build_factor(built.couplings[i].right, defects, source, 2, chain);
  }
  for (Module& module : built.modules) quantise_all(module.bias, defects.bias_bits);
  return built;
}

Result<Conditioning> written_with(const Conditioning& conditioning, const Defects& defects) {
  CALX_TRY(check(defects));
  Conditioning written = conditioning;
  quantise_all(written.clamps.values, defects.bias_bits);
  quantise_all(written.bias.values, defects.bias_bits);
  return written;
}

Result<std::vector<float>> read_with(std::span<const float> x, std::size_t units,
                                     const Defects& defects, const NoiseSource& source) {
  CALX_TRY(check(defects));
  if (units == 0 || x.empty() || x.size() % units != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("read-out: {} values of {} units, wanted whole rows", x.size(), units));
  }
  CALX_TRY(source.check({.steps = 2, .chains = kNoiseChainsMax, .units = units}));
  const auto gains = words_of(source, Draw::kBuild, 0, kReaderChain, units);
  const auto offsets = words_of(source, Draw::kBuild, 1, kReaderChain, units);
  std::vector<double> seen(x.size());
  for (std::size_t row = 0; row < x.size() / units; ++row) {
    const auto noise = words_of(source, Draw::kRead, 0, static_cast<std::uint32_t>(row), units);
    for (std::size_t i = 0; i < units; ++i) {
      seen[row * units + i] =
          x[row * units + i] * (1 + defects.read_gain * double{noise::normal_value(gains[i])}) +
          defects.read_offset * double{noise::normal_value(offsets[i])} +
          defects.read_noise * double{noise::normal_value(noise[i])};
    }
  }
  quantise_all(seen, defects.read_bits);
  std::vector<float> out(x.size());
  std::ranges::transform(seen, out.begin(), [](double value) { return static_cast<float>(value); });
  return out;
}

}  // namespace calx::thermo
