#include "calx/inference/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "calx/base/assert.h"

namespace calx::inference {
namespace {

constexpr double kDeviationFloor = 1e-8;  // of the published metric
constexpr double kPeakSquared = 4;        // (1 - -1)^2

// x -> (x - centre) * scale, the centre one number for all units or one a unit.
struct Shift {
  std::span<const double> centre;
  double scale = 1;

  [[nodiscard]] double operator()(float x, std::size_t unit) const noexcept {
    return (double{x} - centre[centre.size() == 1 ? 0 : unit]) * scale;
  }
};

double cosine(std::span<const float> a, std::span<const float> b, const Shift& of_a,
              const Shift& of_b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = of_a(a[i], i), y = of_b(b[i], i);
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

struct Spread {
  double mean = 0, deviation = 0;
};

// Over rows of the cosine between them.
Spread cosines(std::span<const float> y, std::span<const float> d, std::size_t units,
               const Shift& of_y, const Shift& of_d) {
  const std::size_t rows = d.size() / units;
  double sum = 0, square = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    const double c = cosine(y.subspan(r * units, units), d.subspan(r * units, units), of_y, of_d);
    sum += c;
    square += c * c;
  }
  const auto n = static_cast<double>(rows);
  const double mean = sum / n;
  const double variance = rows > 1 ? (square - n * mean * mean) / (n - 1) : 0;
  return {mean, std::sqrt(std::max(variance, 0.0))};
}

// Mean and unbiased standard deviation of all numbers.
Spread spread_of(std::span<const float> values) {
  double sum = 0, square = 0;
  for (const float value : values) sum += double{value};
  const auto n = static_cast<double>(values.size());
  const double mean = sum / n;
  for (const float value : values) square += (double{value} - mean) * (double{value} - mean);
  return {mean, values.size() > 1 ? std::sqrt(square / (n - 1)) : 0};
}

Spread published_spread(std::span<const float> y, std::span<const float> d, std::size_t units) {
  const Spread of_y = spread_of(y), of_d = spread_of(d);
  const Shift shift_y{{&of_y.mean, 1}, 1 / (of_y.deviation + kDeviationFloor)};
  const Shift shift_d{{&of_d.mean, 1}, 1 / (of_d.deviation + kDeviationFloor)};
  return cosines(y, d, units, shift_y, shift_d);
}

bool all_finite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

}  // namespace

std::vector<double> row_mean(std::span<const float> d, std::size_t units) {
  CALX_ASSERT(units > 0 && !d.empty() && d.size() % units == 0);
  std::vector<double> mean(units);
  for (std::size_t i = 0; i < d.size(); ++i) mean[i % units] += double{d[i]};
  for (double& value : mean) value /= static_cast<double>(d.size() / units);
  return mean;
}

double spread_over_mean(std::span<const float> d, std::size_t units) {
  const auto mean = row_mean(d, units);
  double square = 0, norm = 0;
  for (std::size_t i = 0; i < d.size(); ++i) {
    const double x = double{d[i]} - mean[i % units];
    square += x * x;
  }
  for (const double value : mean) norm += value * value;
  return std::sqrt(square / static_cast<double>(d.size() / units) / norm);
}

double raw_cosine(std::span<const float> y, std::span<const float> d, std::size_t units) {
  CALX_ASSERT(units > 0 && y.size() == d.size());
  const double zero = 0;
  const Shift none{{&zero, 1}};
  return cosines(y, d, units, none, none).mean;
}

double published_cosine(std::span<const float> y, std::span<const float> d, std::size_t units) {
  CALX_ASSERT(units > 0 && y.size() == d.size());
  return published_spread(y, d, units).mean;
}

double pairwise_cosine(std::span<const float> d, std::size_t units) {
  CALX_ASSERT(units > 0 && d.size() >= 2 * units);
  const double zero = 0;
  const Shift none{{&zero, 1}};
  const std::size_t rows = d.size() / units;
  double sum = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      sum += cosine(d.subspan(i * units, units), d.subspan(j * units, units), none, none);
    }
  }
  return sum / (static_cast<double>(rows) * static_cast<double>(rows - 1) / 2);
}

Result<Agreement> agree(std::span<const float> y, std::span<const float> d, std::size_t units,
                        std::span<const double> centre) {
  if (units == 0 || d.empty() || d.size() % units != 0 || y.size() != d.size() ||
      centre.size() != units) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("agreement: {} estimates, {} targets and a centre of {}; wanted whole "
                            "rows of {} units, as many of both",
                            y.size(), d.size(), centre.size(), units));
  }
  if (!all_finite(y) || !all_finite(d)) {
    return fail(ErrorCode::kInvalidArgument,
                "agreement: a number is not finite, wanted finite estimates and targets");
  }
  const auto mean = row_mean(d, units), mean_y = row_mean(y, units);
  double sse = 0, sst = 0, sse_deviation = 0;
  for (std::size_t i = 0; i < d.size(); ++i) {
    const double target = d[i], error = double{y[i]} - target, about = target - mean[i % units];
    const double deviation = error - (mean_y[i % units] - mean[i % units]);
    sse += error * error;
    sse_deviation += deviation * deviation;
    sst += about * about;
  }
  if (!(sst > 0)) {
    return fail(ErrorCode::kInvalidArgument,
                "agreement: all targets are the same row, wanted rows that differ");
  }
  const Spread published = published_spread(y, d, units);
  const Spread centred = cosines(y, d, units, {centre}, {centre});
  const Spread deviation = cosines(y, d, units, {mean_y}, {mean});
  return Agreement{.published = published.mean,
                   .published_sd = published.deviation,
                   .raw = raw_cosine(y, d, units),
                   .centred = centred.mean,
                   .centred_sd = centred.deviation,
                   .r2 = 1 - sse / sst,
                   .deviation_cosine = deviation.mean,
                   .deviation_cosine_sd = deviation.deviation,
                   .deviation_r2 = 1 - sse_deviation / sst};
}

double psnr_db(std::span<const float> image, std::span<const float> reference) {
  CALX_ASSERT(!image.empty() && image.size() == reference.size());
  double sum = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    const double error = double{image[i]} - double{reference[i]};
    sum += error * error;
  }
  if (!(sum > 0)) return std::numeric_limits<double>::infinity();
  return 10 * std::log10(kPeakSquared * static_cast<double>(image.size()) / sum);
}

}  // namespace calx::inference
