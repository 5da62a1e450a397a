#include "calx/thermo/posterior.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calx/thermo/eigen_view.h"
#include "calx/thermo/pair_statistics.h"

namespace calx::thermo {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

Result<void> check_prior(const Prior& prior, double sigma, double temperature_kt) {
  const std::size_t k = prior.variance.size();
  const bool fits = !prior.mean.empty() && prior.axes.columns == k &&
                    (k == 0 || prior.axes.rows == prior.mean.size()) && prior.floor > 0 &&
                    std::ranges::all_of(prior.variance, [](double s) { return s > 0; });
  if (!fits) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("prior: {} units with axes [{}, {}] and {} variances; wanted sizes that "
                    "fit and variances above 0",
                    prior.mean.size(), prior.axes.rows, prior.axes.columns, k));
  }
  if (sigma > 0 && std::isfinite(sigma) && temperature_kt > 0 && std::isfinite(temperature_kt)) {
    return {};
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("posterior: sigma {} at kT {}, wanted finite numbers above 0", sigma,
                          temperature_kt));
}

}  // namespace

Result<Prior> fit_prior(std::span<const float> x, std::size_t units, std::size_t rank,
                        double variance_floor) {
  if (rank > units || !(variance_floor > 0) || !std::isfinite(variance_floor)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("prior: rank {} of {} units with floor {}, wanted a rank up to the "
                            "units and a floor above 0",
                            rank, units, variance_floor));
  }
  CALX_ASSIGN(moments, pair_statistics(x, units, x, units));
  const EigenSolver solver{MatrixXd(view(moments.xx))};
  const VectorXd values = solver.eigenvalues().reverse().cwiseMax(variance_floor);
  const auto k = static_cast<Index>(rank), n = static_cast<Index>(units);
  Prior prior;
  prior.mean = moments.mean_x;
  if (k > 0) prior.axes = to_matrix(solver.eigenvectors().rowwise().reverse().leftCols(k));
  prior.variance = to_vector(VectorXd(values.head(k)));
  prior.floor = k == n ? variance_floor : values.tail(n - k).mean();
  return prior;
}

Result<Substrate> posterior_substrate(const Prior& prior, double sigma, double temperature_kt) {
  CALX_TRY(check_prior(prior, sigma, temperature_kt));
  const double kt = temperature_kt;
  const std::size_t n = prior.mean.size(), k = prior.variance.size();
  Substrate s;
  Module image{
      .name = "image", .units = n, .quadratic = {kt * (1 / prior.floor + 1 / (sigma * sigma)) / 2}};
  // kT C^-1 mean: the prior pulls towards its own mean.
  VectorXd pull = view(prior.mean) * (kt / prior.floor);
  if (k > 0) {
    Coupling own{.first = 0, .second = 0, .left = prior.axes};
    for (const double variance : prior.variance) {
      own.strength.push_back(kt * (1 / variance - 1 / prior.floor));
    }
    const VectorXd along = view(prior.axes).transpose() * view(prior.mean);
    pull += view(prior.axes) * VectorXd(along.array() * view(own.strength).array());
    s.couplings.push_back(std::move(own));
  }
  image.bias = to_vector(pull);
  s.modules.push_back(std::move(image));
  return s;
}

Result<Conditioning> posterior_bias(const Prior& prior, std::span<const float> noisy, double sigma,
                                    double temperature_kt) {
  CALX_TRY(check_prior(prior, sigma, temperature_kt));
  const std::size_t n = prior.mean.size(), rows = noisy.size() / n;
  if (rows == 0 || noisy.size() != rows * n) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("posterior: {} noisy values, wanted whole images of {}", noisy.size(), n));
  }
  Conditioning result;
  result.bias = Matrix(rows, n);
  const double scale = temperature_kt / (sigma * sigma);
  std::ranges::transform(noisy, result.bias.values.begin(),
                         [scale](float value) { return scale * double{value}; });
  return result;
}

}  // namespace calx::thermo
