#include "calx/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "calx/base/assert.h"
#include "calx/noise/stream.h"

namespace calx::eval {

Result<Resampler> Resampler::create(const noise::Seed& seed, std::string_view stream,
                                    std::span<const std::int32_t> strata) {
  if (strata.empty()) return fail(ErrorCode::kInvalidArgument, "bootstrap: no items to draw from");
  CALX_TRY(noise::Stream::open(seed, stream, 0));
  std::map<std::int32_t, std::vector<std::uint32_t>> by_stratum;
  for (std::size_t i = 0; i < strata.size(); ++i) {
    by_stratum[strata[i]].push_back(static_cast<std::uint32_t>(i));
  }
  Resampler resampler;
  resampler.seed_ = seed;
  resampler.stream_ = stream;
  for (const auto& [stratum, items] : by_stratum) {
    resampler.strata_.push_back({resampler.items_.size(), items.size()});
    resampler.items_.insert(resampler.items_.end(), items.begin(), items.end());
  }
  return resampler;
}

Result<void> Resampler::draw(std::uint64_t replicate, std::span<std::uint32_t> counts) const {
  CALX_ASSERT(counts.size() == items_.size());
  CALX_ASSIGN(stream, noise::Stream::open(seed_, stream_, replicate));
  std::vector<std::uint32_t> words(items_.size());
  noise::Region region;
  region.columns = static_cast<std::uint32_t>(words.size());
  CALX_TRY(stream.bits(region, words));
  std::ranges::fill(counts, 0U);
  for (const auto& [first, count] : strata_) {
    for (std::size_t i = first; i < first + count; ++i) {
      const std::uint64_t pick = (std::uint64_t{words[i]} * count) >> 32;
      ++counts[items_[first + pick]];
    }
  }
  return {};
}

double quantile(std::vector<double> values, double p) {
  CALX_ASSERT(!values.empty() && p >= 0 && p <= 1);
  std::ranges::sort(values);
  const double place = p * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

Interval percentile_interval(std::span<const double> replicates, double confidence) {
  CALX_ASSERT(confidence > 0 && confidence < 1);
  const std::vector<double> values(replicates.begin(), replicates.end());
  const double tail = (1 - confidence) / 2;
  return {quantile(values, tail), quantile(values, 1 - tail)};
}

double standard_deviation(std::span<const double> values) noexcept {
  if (values.size() < 2) return 0;
  const auto n = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += value;
  double squares = 0;
  for (const double value : values) squares += (value - sum / n) * (value - sum / n);
  return std::sqrt(squares / (n - 1));
}

Interval wilson_interval(std::int64_t hits, std::int64_t trials) noexcept {
  CALX_ASSERT(trials > 0 && hits >= 0 && hits <= trials);
  constexpr double z = 1.959963984540054;  // 97.5 % point of N(0, 1)
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(hits) / n;
  const double scale = 1 / (1 + z * z / n);
  const double centre = scale * (p + z * z / (2 * n));
  const double reach = scale * z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {std::max(0.0, centre - reach), std::min(1.0, centre + reach)};
}

}  // namespace calx::eval
