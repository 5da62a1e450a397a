// Where thermal noise comes from. Every word has an address, so that any split of a run over
// batches and threads reads the same words.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/noise/seed.h"

namespace calx::thermo {

/// Steps of a run, chains and units of a source with 32-bit addresses.
inline constexpr std::uint64_t kNoiseStepsMax = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kNoiseChainsMax = std::uint64_t{1} << 32;

/// What a draw is for: draws of one step that must not be the same words.
enum class Draw : std::uint32_t {
  kThermal = 0,
  kAcceptance = 1,
  kStart = 2,
  kFit = 3,
  kBuild = 4,
  kRead = 5
};

/// A box of words: some units of some chains at one step.
struct NoiseBlock {
  std::uint64_t step = 0;
  Draw draw = Draw::kThermal;
  std::uint32_t chain_first = 0, chains = 1;
  std::uint32_t unit_first = 0, units = 0;  // cheapest when unit_first is a multiple of 8
};

/// How far a run will go: all chains, all units, steps 0 .. steps - 1.
struct NoiseExtent {
  std::uint64_t steps = 0;
  std::uint64_t chains = 0;
  std::uint64_t units = 0;
  bool normal = true;  // whether normal values are made of the words, or other draws than kThermal
};

/// A word depends on (seed, chain, group of 8 units, step, draw) alone. Any thread.
class NoiseSource {
 public:
  virtual ~NoiseSource() = default;

  /// As on the command line and in every report: "calx-noise-1", "philox", "sha256d", "log".
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  [[nodiscard]] virtual Origin origin() const noexcept = 0;
  /// How many of a word's upper bits are noise; the others are 0. Normal values want 32.
  [[nodiscard]] virtual unsigned bits() const noexcept = 0;
  /// SHA-256d computations that words() has asked for since the source was made; 0 for a source
  /// that makes none.
  [[nodiscard]] virtual std::uint64_t sha256d_calls() const noexcept { return 0; }

  /// Whether the source can serve a run of that extent. Errors: kInvalidArgument (fewer than 32
  /// bits for normal values; chains or units that the source was not made for), kResourceExhausted
  /// (addresses or recorded words used up).
  [[nodiscard]] virtual Result<void> check(const NoiseExtent& extent) const = 0;

  /// Shape [chains, units] of the block, row-major.
  /// \pre check() of an extent that holds the block; out.size() == chains * units
  virtual void words(const NoiseBlock& block, std::span<std::uint32_t> out) const noexcept = 0;

 protected:
  NoiseSource() = default;
  NoiseSource(const NoiseSource&) = default;
  NoiseSource& operator=(const NoiseSource&) = default;
};

/// The extent that both counter sources serve. Errors: kResourceExhausted past 2^32 steps, chains
/// or units.
Result<void> check_addresses(const NoiseExtent& extent);

/// calx-noise-1, stream "thermo": plane = draw, channel = step, row = chain, column = unit.
/// Origin software. Errors: none but memory.
std::shared_ptr<const NoiseSource> stream_noise(const noise::Seed& seed);

/// Philox4x32-10 (Salmon et al. 2011) under the first two words of the key of stream
/// "thermo/philox": counter {unit / 4, chain, step, draw}, word unit % 4.
/// For speed: not calx-noise-1, yet the same words on every machine. Origin software.
std::shared_ptr<const NoiseSource> philox_noise(const noise::Seed& seed);

/// Draws[i] = the normal value (calx-noise-1's transform) of each word of the block.
/// \pre as words(), source.bits() == 32, both spans of chains * units
void normals(const NoiseSource& source, const NoiseBlock& block, std::span<std::uint32_t> words,
             std::span<float> out) noexcept;

}  // namespace calx::thermo
