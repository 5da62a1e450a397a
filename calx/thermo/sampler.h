// Many chains of one substrate, advanced by one scheme under one noise source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "calx/base/origin.h"
#include "calx/base/result.h"
#include "calx/thermo/conditioning.h"
#include "calx/thermo/dynamics.h"
#include "calx/thermo/exact_law.h"
#include "calx/thermo/noise_source.h"
#include "calx/thermo/substrate.h"

namespace calx::thermo {

/// Chains times units of one sampler: 4 GiB of float.
inline constexpr std::uint64_t kStateValuesMax = std::uint64_t{1} << 30;
/// Free units of the schemes that hold a matrix in full: the exact step and exact starts.
inline constexpr std::size_t kExactUnitsMax = 2048;
inline constexpr unsigned kSamplerThreadsMax = 256;

struct SamplerOptions {
  Scheme scheme = Scheme::kExactOu;
  Dynamics dynamics = {};
  std::uint32_t chains = 1;
  std::uint32_t chain_first = 0;  // address of the first chain: a batch of a larger run
  unsigned threads = 1;
  /// The plain path, written to be read, where a faster one would be taken. The bits are the same.
  bool reference = false;
};

/// What happened on the way; a scheme leaves what it does not know at 0.
struct Tally {
  std::uint64_t unit_steps = 0;
  std::uint64_t clipped = 0;  // lattice walk: unit-steps whose drift passed what one move can carry
  std::uint64_t proposed = 0;  // MALA: moves proposed, and accepted
  std::uint64_t accepted = 0;

  Tally& operator+=(const Tally& other) noexcept;
  friend bool operator==(const Tally&, const Tally&) = default;
};

/// The state after n steps depends on the substrate, the conditioning, the dynamics and the noise
/// alone: the same bits for any number of threads, any split into batches by chain_first, and any
/// split of n into calls. Real = float is for speed, double for laws that are tested to the last
/// digits.
template <class Real>
class Sampler {
 public:
  /// All chains start at 0.
  /// Errors: as check(), Stiffness::of, effective_bias, check_step; kInvalidArgument (no chains, no
  /// or too many threads, no noise source, OU on a quartic energy or beyond kExactUnitsMax, a
  /// parameter not finite as a Real), kResourceExhausted (kStateValuesMax, memory).
  static Result<Sampler> create(const Substrate& substrate, const Conditioning& conditioning,
                                const SamplerOptions& options,
                                std::shared_ptr<const NoiseSource> source);

  /// Chains of a linear process with any stable drift, about 0, in exact steps of
  /// options.dynamics.step; mobility and temperature are in the process, the scheme is OU.
  static Result<Sampler> create(const LinearProcess& process, const SamplerOptions& options,
                                std::shared_ptr<const NoiseSource> source);

  Sampler(Sampler&&) noexcept;
  Sampler& operator=(Sampler&&) noexcept;
  ~Sampler();

  /// Steps of every chain. Errors: those of NoiseSource::check, before any step is taken;
  /// kResourceExhausted (memory).
  Result<void> advance(std::uint64_t steps);

  /// Draws every chain from the equilibrium N(M^-1 b, kT M^-1), by draws kStart. Errors:
  /// kInvalidArgument (quartic energy, a linear process, over kExactUnitsMax units), noise as
  /// above.
  Result<void> start_in_equilibrium();

  /// Shape [chains, units], row-major; may be written between calls of advance().
  std::span<Real> state() noexcept;
  [[nodiscard]] std::span<const Real> state() const noexcept;

  [[nodiscard]] std::size_t units() const noexcept;
  [[nodiscard]] std::uint32_t chains() const noexcept;
  [[nodiscard]] std::uint64_t steps() const noexcept;
  [[nodiscard]] const Tally& tally() const noexcept;
  [[nodiscard]] const NoiseSource& noise() const noexcept;
  [[nodiscard]] Origin origin() const noexcept;  // of the noise; the rest is software

  /// Gradient of the energy of one chain at its present state, [units]; a linear process has none.
  /// Errors: kInvalidArgument (chain, size, no energy).
  Result<void> gradient(std::uint32_t chain, std::span<Real> out) const;
  /// Energy of one chain. Errors: as gradient.
  [[nodiscard]] Result<double> energy(std::uint32_t chain) const;

 private:
  struct Parts;
  explicit Sampler(std::unique_ptr<Parts> parts) noexcept;
  std::unique_ptr<Parts> parts_;
};

extern template class Sampler<float>;
extern template class Sampler<double>;

}  // namespace calx::thermo
