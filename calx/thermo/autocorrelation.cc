#include "calx/thermo/autocorrelation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "calx/thermo/dynamics.h"

namespace calx::thermo {
namespace {

constexpr std::size_t kSamplesMin = 16;
constexpr double kWindowTau = 5;

double mean_of(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

// Mean of (x_i - mean) (x_(i+lag) - mean), over the whole length.
double covariance(std::span<const double> x, double mean, std::size_t lag) {
  double sum = 0;
  for (std::size_t i = 0; i + lag < x.size(); ++i) sum += (x[i] - mean) * (x[i + lag] - mean);
  return sum / static_cast<double>(x.size());
}

}  // namespace

Result<Autocorrelation> integrated_autocorrelation(std::span<const double> series) {
  if (series.size() < kSamplesMin ||
      !std::ranges::all_of(series, [](double x) { return std::isfinite(x); })) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("autocorrelation: {} samples, wanted at least {} finite ones",
                            series.size(), kSamplesMin));
  }
  const auto n = static_cast<double>(series.size());
  const double mean = mean_of(series), variance = covariance(series, mean, 0);
  if (variance == 0) return Autocorrelation{.tau = 0.5, .window = 0, .independent = n};
  double tau = 0.5;
  for (std::size_t lag = 1; lag < series.size() / 2; ++lag) {
    tau += covariance(series, mean, lag) / variance;
    if (static_cast<double>(lag) < kWindowTau * tau) continue;
    tau = std::max(tau, 0.5);  // series that alternate are not worth more than their length
    return Autocorrelation{.tau = tau, .window = lag, .independent = n / (2 * tau)};
  }
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("autocorrelation: {} samples do not reach {:.0f} autocorrelation times",
                          series.size(), kWindowTau));
}

Result<TimeAverage> time_average(std::span<const double> series) {
  CALX_ASSIGN(correlation, integrated_autocorrelation(series));
  const double lasts = static_cast<double>(series.size()) / correlation.tau;
  if (lasts < kAverageTauMin) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("time average: the run lasts for {:.1f} autocorrelation times, wanted "
                            "at least {:.0f}",
                            lasts, kAverageTauMin));
  }
  const double mean = mean_of(series);
  const double error = std::sqrt(covariance(series, mean, 0) / correlation.independent);
  return TimeAverage{mean, error, correlation};
}

Result<double> r_hat(std::span<const double> chains, std::size_t chain_count) {
  const std::size_t samples = chain_count == 0 ? 0 : chains.size() / chain_count;
  if (chain_count < 2 || samples < 4 || chains.size() != chain_count * samples) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("R-hat: {} values in {} chains, wanted at least 2 chains of 4",
                            chains.size(), chain_count));
  }
  const auto n = static_cast<double>(samples), m = static_cast<double>(chain_count);
  const double grand = mean_of(chains);
  double within = 0, between = 0;
  for (std::size_t c = 0; c < chain_count; ++c) {
    const auto chain = chains.subspan(c * samples, samples);
    const double mean = mean_of(chain);
    within += covariance(chain, mean, 0) * n / (n - 1) / m;
    between += (mean - grand) * (mean - grand) / (m - 1);
  }
  return std::sqrt((n - 1) / n + between / within);
}

}  // namespace calx::thermo
