#include "calx/thermo/published_pair.h"

#include <fmt/format.h>

#include <cmath>

#include "calx/base/assert.h"
#include "calx/noise/normal_transform.h"
#include "calx/thermo/eigen_view.h"

namespace calx::thermo {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;

constexpr double kNormFloor = 1e-8;

Result<MatrixXd> gram(const Matrix& weights, std::string_view what, std::size_t units,
                      double coupling_kt) {
  if (weights.rows < units || weights.columns < units ||
      weights.values.size() != weights.rows * weights.columns || !view(weights).allFinite()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} weights of shape [{}, {}], wanted finite ones of at least [{}, {}]",
                            what, weights.rows, weights.columns, units, units));
  }
  const auto n = static_cast<Index>(units);
  const MatrixXd w = view(weights).topLeftCorner(n, n);
  const MatrixXd j = w.transpose() * w / (4 * coupling_kt);
  return MatrixXd((j + j.transpose()) / 2);
}

// U S^1/2 of the first k singular pairs. A Gram matrix's singular vectors are its eigenvectors.
MatrixXd half(const MatrixXd& j, Index rank) {
  const EigenSolver solver(j);
  MatrixXd result(j.rows(), rank);
  for (Index k = 0; k < rank; ++k) {
    const Index from = j.rows() - 1 - k;
    Eigen::VectorXd u = solver.eigenvectors().col(from);
    Index largest = 0;
    u.cwiseAbs().maxCoeff(&largest);
    if (u(largest) < 0) u = -u;
    result.col(k) = u * std::sqrt(std::max(solver.eigenvalues()(from), 0.0));
  }
  return result;
}

}  // namespace

Result<Substrate> published_pair(const Matrix& encoder_weights, const Matrix& decoder_weights,
                                 std::size_t units, std::size_t rank,
                                 const PublishedOptions& options) {
  if (units == 0 || rank == 0 || rank > units || !(options.coupling_kt > 0) ||
      !std::isfinite(options.coupling_kt) || !std::isfinite(options.onsite_j2)) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("published pair: {} units, rank {}, kT {}, J2 {}; wanted a rank of 1 to "
                    "the units and a finite kT above 0",
                    units, rank, options.coupling_kt, options.onsite_j2));
  }
  CALX_ASSIGN(encoder, gram(encoder_weights, "encoder", units, options.coupling_kt));
  CALX_ASSIGN(decoder, gram(decoder_weights, "decoder", units, options.coupling_kt));
  const auto k = static_cast<Index>(rank);
  const MatrixXd left = half(encoder, k), right = half(decoder, k);
  const double norm = (left * right.transpose()).norm();
  if (!(norm > 0)) {
    return fail(ErrorCode::kInvalidArgument, "published pair: the weights are all 0");
  }
  const double scale = options.normalise ? 1 / ((norm + kNormFloor) * 4 * options.coupling_kt)
                                         : 1 / (4 * options.coupling_kt);
  Substrate s;
  s.modules = {{.name = "encoder",
                .units = units,
                .quadratic = {options.onsite_j2},
                .intra = to_matrix(2 * encoder)},
               {.name = "decoder",
                .units = units,
                .quadratic = {options.onsite_j2},
                .intra = to_matrix(2 * decoder)}};
  s.couplings = {{.first = 0,
                  .second = 1,
                  .left = to_matrix(left),
                  .right = to_matrix(right),
                  .strength = std::vector<double>(rank, scale)}};
  return s;
}

Result<Substrate> untrained_pair(std::size_t channels, std::size_t rank, const NoiseSource& source,
                                 const PublishedOptions& options) {
  if (channels == 0 || channels > kIntraUnitsMax) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("untrained pair: {} channels, wanted 1 to {}", channels, kIntraUnitsMax));
  }
  const std::size_t count = channels * channels;  // only the first columns are ever read
  CALX_TRY(source.check({.steps = 1, .chains = 2, .units = count}));
  const auto weights = [&](std::uint32_t chain, double fan_in) {
    std::vector<std::uint32_t> words(count);
    source.words(
        {.draw = Draw::kBuild, .chain_first = chain, .units = static_cast<std::uint32_t>(count)},
        words);
    Matrix matrix(channels, channels);
    for (std::size_t i = 0; i < count; ++i) {
      matrix.values[i] = double{noise::uniform_value(words[i])} / std::sqrt(fan_in);
    }
    return matrix;
  };
  const auto width = static_cast<double>(channels);
  return published_pair(weights(0, 9 * width), weights(1, 27 * width), channels, rank, options);
}

double decoder_shift_percent(std::span<const double> with, std::span<const double> without,
                             std::span<const double> d, std::size_t units) {
  CALX_ASSERT(units > 0 && with.size() == d.size() && without.size() == d.size());
  const std::size_t rows = d.size() / units;
  double sum = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    double shift = 0, size = 0;
    for (std::size_t i = r * units; i < (r + 1) * units; ++i) {
      shift += (with[i] - without[i]) * (with[i] - without[i]);
      size += d[i] * d[i];
    }
    sum += std::sqrt(shift / size);
  }
  return 100 * sum / static_cast<double>(rows);
}

}  // namespace calx::thermo
