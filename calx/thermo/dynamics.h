// How a substrate moves: dx = -mu grad E dt + sqrt(2 mu k_B T) dW, in steps of h.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "calx/base/result.h"
#include "calx/thermo/stiffness.h"

namespace calx::thermo {

/// How one step is taken. a = mu lambda h for an eigenvalue lambda of M.
enum class Scheme : std::uint8_t {
  kExactOu,             // the exact law of any step; quadratic energies only
  kLeimkuhlerMatthews,  // variance exact for quadratic energies; order h^2 beyond
  kEulerMaruyama,       // variance too large by 1 / (1 - a/2)
  kHeun,                // variance 2a (1 - a/2)^2 / (1 - (1 - a + a^2/2)^2)
  kLatticeWalk,         // moves of one size, up or down; needs bits, no normal values
  kMala,                // Euler-Maruyama with a Metropolis test: exact law, any energy
};

/// "ou", "lm", "em", "heun", "lrw" or "mala", and what it is in words.
std::string_view to_string(Scheme scheme) noexcept;
/// Errors: kInvalidArgument names the words there are.
Result<Scheme> parse_scheme(std::string_view word);
std::span<const Scheme> schemes() noexcept;

struct Dynamics {
  double mobility = 1.0;        // mu, 1 / (energy * time)
  double temperature_kt = 1.0;  // k_B T, in the unit of the energy
  double step = 0.1;            // h, in units of time
};

/// Errors: kInvalidArgument unless all three are finite and above 0.
Result<void> check(const Dynamics& dynamics);

/// Errors: kInvalidArgument when the step passes the bound beyond which the scheme diverges:
/// h mu lambda_max < 2 for all but the exact step and MALA. A quartic term only lowers the bound,
/// which is then not known; what diverged shows as a number that is not finite.
Result<void> check_step(Scheme scheme, const Dynamics& dynamics, double lambda_max);

/// mu tau = 1 / lambda: relaxation times of the fastest and the slowest mode, in units of time.
/// \pre the spectrum is of a positive definite matrix
struct Relaxation {
  double tau_fast = 0;
  double tau_slow = 0;
};
Relaxation relaxation(const Spectrum& spectrum, const Dynamics& dynamics) noexcept;

/// A step of the exact scheme that is longer than this share of tau_fast shows nothing of the path
/// between: it is a draw from the law at that time and must be called one.
inline constexpr double kResolvedStepMax = 0.1;
/// Steps that a snapshot has to wait from a cold start, and a time average has to last.
inline constexpr double kBurnInTauMin = 10;
inline constexpr double kAverageTauMin = 50;

/// "trajectory" or "exact draws": how a row made with this step must be labelled.
std::string_view label(Scheme scheme, const Dynamics& dynamics, const Spectrum& spectrum) noexcept;

}  // namespace calx::thermo
