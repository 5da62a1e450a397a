#include "calx/inference/block_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calx/base/assert.h"
#include "calx/thermo/stiffness.h"

namespace calx::inference {
namespace {

using thermo::Matrix;
using thermo::PairStatistics;

// a <- (n_a a + n_b b) / n + (n_a n_b / n^2) (difference of means) (difference of means)^T
Matrix merged(const Matrix& a, const Matrix& b, double share_a, const std::vector<double>& rows,
              const std::vector<double>& columns) {
  Matrix out = a;
  const double between = share_a * (1 - share_a);
  for (std::size_t i = 0; i < a.rows; ++i) {
    for (std::size_t j = 0; j < a.columns; ++j) {
      out(i, j) = share_a * a(i, j) + (1 - share_a) * b(i, j) + between * rows[i] * columns[j];
    }
  }
  return out;
}

std::vector<double> minus(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  std::ranges::transform(a, b, out.begin(), std::minus<>());
  return out;
}

Matrix block_of(const Matrix& m, std::size_t row, std::size_t rows, std::size_t column,
                std::size_t columns) {
  Matrix out(rows, columns);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) out(i, j) = m(row + i, column + j);
  }
  return out;
}

// The pairs whose x are `count` inputs from `first` on.
PairStatistics only_inputs(const PairStatistics& pairs, std::size_t first, std::size_t count) {
  PairStatistics out = pairs;
  const auto begin = pairs.mean_x.begin() + static_cast<std::ptrdiff_t>(first);
  out.mean_x.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  out.xx = block_of(pairs.xx, first, count, first, count);
  out.xd = block_of(pairs.xd, first, count, 0, pairs.xd.columns);
  return out;
}

double trace(const Matrix& m) {
  double sum = 0;
  for (std::size_t i = 0; i < m.rows; ++i) sum += m(i, i);
  return sum;
}

// Errors of the map over other pairs than its own: the spread of d - y and its mean.
double squared_error(const thermo::LinearMap& map, const PairStatistics& pairs) {
  std::vector<double> mean = map.mean_d;
  for (std::size_t j = 0; j < map.rank(); ++j) {
    double along = 0;
    for (std::size_t i = 0; i < map.mean_x.size(); ++i) {
      along += map.left(i, j) * (pairs.mean_x[i] - map.mean_x[i]);
    }
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += map.right(i, j) * along;
  }
  double sum = trace(thermo::residual_covariance(pairs, map));
  for (std::size_t i = 0; i < mean.size(); ++i) sum += std::pow(pairs.mean_d[i] - mean[i], 2);
  return sum * static_cast<double>(pairs.count);
}

// 1/2 <z^T B z> / kT, z = the map's output over the fit's own pairs: <z z^T> is its spread,
// Sdd - C, and its mean, which is that of d.
double heat_of(const PairStatistics& pairs, const Matrix& residual, const Matrix& b, double kt) {
  double sum = 0;
  for (std::size_t i = 0; i < b.rows; ++i) {
    for (std::size_t j = 0; j < b.columns; ++j) {
      const double spread = pairs.dd(i, j) - residual(i, j);
      sum += b(i, j) * (spread + pairs.mean_d[i] * pairs.mean_d[j]);
    }
  }
  return sum / (2 * kt);
}

Result<BlockFit> fit_group(const PairStatistics& pairs, std::size_t rank, double kt) {
  BlockFit fit;
  if (rank == 0) {
    fit.map = thermo::fit_none(pairs);
  } else {
    CALX_ASSIGN(map, thermo::fit_rrr(pairs, rank));
    fit.map = std::move(map);
  }
  CALX_ASSIGN(substrate, thermo::clamped_pair(fit.map, pairs, thermo::Stiffening::kCalibrated, kt));
  fit.substrate = std::move(substrate);
  CALX_ASSIGN(stiffness, thermo::Stiffness::of(fit.substrate));
  const thermo::Spectrum spectrum = stiffness.spectrum();
  fit.condition = spectrum.largest / spectrum.least;
  const Matrix residual = thermo::residual_covariance(pairs, fit.map);
  fit.variance = trace(residual) / static_cast<double>(residual.rows);
  fit.heat_kt = heat_of(pairs, residual, fit.substrate.modules[1].intra, kt);
  return fit;
}

// The groups of statistics that a group of a plan is made of; the last one is "no class".
std::vector<std::vector<std::size_t>> members(Grouping grouping, std::size_t groups) {
  std::vector<std::size_t> all(groups);
  for (std::size_t g = 0; g < groups; ++g) all[g] = g;
  if (grouping == Grouping::kTime) return {all};
  if (grouping == Grouping::kGuidance) {
    all.pop_back();
    return {all, {groups - 1}};
  }
  std::vector<std::vector<std::size_t>> each;
  for (const std::size_t g : all) each.push_back({g});
  return each;
}

PairStatistics gather(const std::vector<PairStatistics>& groups,
                      const std::vector<std::size_t>& wanted, const BlockFits& fits) {
  PairStatistics sum = groups[wanted.front()];
  for (std::size_t i = 1; i < wanted.size(); ++i) sum = merge(sum, groups[wanted[i]]);
  return only_inputs(sum, fits.first_input(), fits.inputs());
}

}  // namespace

void gather_patch(std::span<const float> map, std::size_t side, std::size_t channels,
                  std::size_t pixel, int reach, std::span<float> out) noexcept {
  const auto edge = static_cast<int>(side);
  const int row = static_cast<int>(pixel / side), column = static_cast<int>(pixel % side);
  auto to = out.begin();
  for (int r = row - reach; r <= row + reach; ++r) {
    for (int c = column - reach; c <= column + reach; ++c) {
      const bool inside = r >= 0 && r < edge && c >= 0 && c < edge;
      const auto from = static_cast<std::size_t>(inside ? r * edge + c : 0) * channels;
      if (inside) {
        std::ranges::copy(map.subspan(from, channels), to);
      } else {
        std::fill_n(to, channels, 0.0F);
      }
      to += static_cast<std::ptrdiff_t>(channels);
    }
  }
}

PairStatistics merge(const PairStatistics& a, const PairStatistics& b) {
  CALX_ASSERT(a.mean_x.size() == b.mean_x.size() && a.mean_d.size() == b.mean_d.size());
  PairStatistics out;
  out.count = a.count + b.count;
  const double share = static_cast<double>(a.count) / static_cast<double>(out.count);
  const auto dx = minus(a.mean_x, b.mean_x), dd = minus(a.mean_d, b.mean_d);
  for (std::size_t i = 0; i < dx.size(); ++i) out.mean_x.push_back(b.mean_x[i] + share * dx[i]);
  for (std::size_t i = 0; i < dd.size(); ++i) out.mean_d.push_back(b.mean_d[i] + share * dd[i]);
  out.xx = merged(a.xx, b.xx, share, dx, dx);
  out.xd = merged(a.xd, b.xd, share, dx, dd);
  out.dd = merged(a.dd, b.dd, share, dd, dd);
  return out;
}

std::string describe(const BlockFitPlan& plan) {
  const char* groups = plan.grouping == Grouping::kTime ? "one fit a time"
                       : plan.grouping == Grouping::kGuidance
                           ? "two fits a time, with and without class"
                           : "a fit for each time and class";
  return fmt::format("{}{}, rank {}, {}", plan.wired == Wired::kSkip ? "skip alone" : "[u, skip]",
                     plan.reach > 0 ? " of 3 x 3 pixels" : "", plan.rank, groups);
}

std::size_t BlockFits::group_of(std::int32_t class_index) const noexcept {
  if (plan.grouping == Grouping::kTime) return 0;
  const std::size_t groups = fits.front().size();
  const auto index = static_cast<std::size_t>(class_index);
  if (plan.grouping == Grouping::kClass) return std::min(index, groups - 1);
  return class_index < classes ? 0 : 1;
}

std::size_t BlockFits::programs_a_picture(bool guided) const noexcept {
  return times.size() * (guided && plan.grouping != Grouping::kTime ? 2 : 1);
}

double BlockFits::r2() const noexcept {
  double error = 0, total = 0;
  for (std::size_t t = 0; t < times.size(); ++t) {
    error += squared_error[t];
    total += squared_total[t];
  }
  return 1 - error / total;
}

std::size_t BlockFits::first_input() const noexcept {
  return plan.wired == Wired::kSkip ? shape.up : 0;
}

std::size_t BlockFits::inputs() const noexcept {
  const auto width = static_cast<std::size_t>(2 * plan.reach + 1);
  return width * width * (plan.wired == Wired::kSkip ? shape.skip : shape.in());
}

Result<BlockFits> fit_block(const BlockStatistics& statistics, const BlockFitPlan& plan,
                            double temperature_kt) {
  if (plan.reach != statistics.reach ||
      (plan.reach > 0 && (plan.wired != Wired::kBoth || plan.grouping != Grouping::kTime))) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("block fit of reach {}: wanted {}, that of the statistics; a reach "
                            "goes with all inputs and one fit a time",
                            plan.reach, statistics.reach));
  }
  BlockFits fits{.plan = plan,
                 .shape = statistics.shape,
                 .temperature_kt = temperature_kt,
                 .classes = static_cast<std::int32_t>(statistics.fit.front().size()) - 1,
                 .times = statistics.times,
                 .fits = {},
                 .squared_error = {},
                 .squared_total = {}};
  for (std::size_t t = 0; t < fits.times.size(); ++t) {
    const auto& groups = statistics.fit[t];
    fits.fits.emplace_back();
    double error = 0;
    for (const auto& wanted : members(plan.grouping, groups.size())) {
      CALX_ASSIGN(fit, fit_group(gather(groups, wanted, fits), plan.rank, temperature_kt));
      const PairStatistics unseen = gather(statistics.check[t], wanted, fits);
      const double missed = squared_error(fit.map, unseen);
      const double spread = trace(unseen.dd) * static_cast<double>(unseen.count);
      fit.r2 = 1 - missed / spread;
      error += missed;
      fits.fits.back().push_back(std::move(fit));
    }
    fits.squared_error.push_back(error);
    // The spread about one mean for all groups: the same yardstick for every grouping.
    const auto everything = members(Grouping::kTime, groups.size()).front();
    const PairStatistics pooled = gather(statistics.check[t], everything, fits);
    fits.squared_total.push_back(trace(pooled.dd) * static_cast<double>(pooled.count));
  }
  return fits;
}

}  // namespace calx::inference
