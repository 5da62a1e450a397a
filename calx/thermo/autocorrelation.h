// How many independent samples a trajectory is worth, and averages that know it.
#pragma once

#include <cstddef>
#include <span>

#include "calx/base/result.h"

namespace calx::thermo {

/// tau_int = 1/2 + sum_t rho(t), in samples, up to the first window W >= 5 tau_int (Sokal 1997), so
/// that n samples are worth n / (2 tau_int). For a mode that decays as e^(-t/tau) it is tau for
/// small sampling intervals.
struct Autocorrelation {
  double tau = 0.5;
  std::size_t window = 0;
  double independent = 0;  // n / (2 tau_int)
};

/// Errors: kInvalidArgument (fewer than 16 samples, a value that is not finite),
/// kResourceExhausted when no window closes: the series is shorter than a few tau_int.
/// Cost: n * window.
Result<Autocorrelation> integrated_autocorrelation(std::span<const double> series);

struct TimeAverage {
  double mean = 0;
  double error = 0;  // standard error, by the independent samples
  Autocorrelation autocorrelation;
};

/// Errors: as above; kInvalidArgument when the series lasts for fewer than kAverageTauMin = 50
/// autocorrelation times: such an average has no trustworthy error.
Result<TimeAverage> time_average(std::span<const double> series);

/// Gelman and Rubin's R-hat of chains started apart, shape [chains, samples]; near 1 when they have
/// forgotten where they began. Errors: kInvalidArgument (fewer than 2 chains or 4 samples).
Result<double> r_hat(std::span<const double> chains, std::size_t chain_count);

}  // namespace calx::thermo
