#include "calx/thermo/dynamics.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace calx::thermo {
namespace {

constexpr std::array kSchemes = {Scheme::kExactOu,       Scheme::kLeimkuhlerMatthews,
                                 Scheme::kEulerMaruyama, Scheme::kHeun,
                                 Scheme::kLatticeWalk,   Scheme::kMala};
constexpr std::array<std::string_view, kSchemes.size()> kWords = {"ou",   "lm",  "em",
                                                                  "heun", "lrw", "mala"};

Result<void> check_positive(std::string_view what, double value) {
  if (std::isfinite(value) && value > 0) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("dynamics: {} is {}, wanted a finite number above 0", what, value));
}

}  // namespace

std::string_view to_string(Scheme scheme) noexcept {
  return kWords[static_cast<std::size_t>(scheme)];
}

std::span<const Scheme> schemes() noexcept { return kSchemes; }

Result<Scheme> parse_scheme(std::string_view word) {
  for (const Scheme scheme : kSchemes) {
    if (to_string(scheme) == word) return scheme;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("integrator \"{}\": wanted one of {}", word, fmt::join(kWords, ", ")));
}

Result<void> check(const Dynamics& dynamics) {
  CALX_TRY(check_positive("the mobility", dynamics.mobility));
  CALX_TRY(check_positive("the temperature", dynamics.temperature_kt));
  return check_positive("the step", dynamics.step);
}

Result<void> check_step(Scheme scheme, const Dynamics& dynamics, double lambda_max) {
  if (scheme == Scheme::kExactOu || scheme == Scheme::kMala) return {};
  const double a = dynamics.mobility * dynamics.step * lambda_max;
  if (a < 2) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("integrator {}: h mu lambda_max is {:.6g}, wanted below 2; a step below "
                          "{:.6g} is stable",
                          to_string(scheme), a, 2 / (dynamics.mobility * lambda_max)));
}

Relaxation relaxation(const Spectrum& spectrum, const Dynamics& dynamics) noexcept {
  return {1 / (dynamics.mobility * spectrum.largest), 1 / (dynamics.mobility * spectrum.least)};
}

std::string_view label(Scheme scheme, const Dynamics& dynamics, const Spectrum& spectrum) noexcept {
  const double share = dynamics.step / relaxation(spectrum, dynamics).tau_fast;
  return scheme == Scheme::kExactOu && share > kResolvedStepMax ? "exact draws" : "trajectory";
}

}  // namespace calx::thermo
