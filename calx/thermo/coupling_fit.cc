#include "calx/thermo/coupling_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "calx/base/assert.h"
#include "calx/thermo/eigen_view.h"

namespace calx::thermo {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Svd = Eigen::BDCSVD<MatrixXd>;

Result<void> check_rank(const PairStatistics& pairs, std::size_t rank, double ridge) {
  const std::size_t largest = std::min(pairs.xd.rows, pairs.xd.columns);
  if (rank == 0 || rank > largest) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling: rank {}, wanted 1 to {}", rank, largest));
  }
  if (!(ridge > 0) || !std::isfinite(ridge)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling: ridge {}, wanted a finite number above 0", ridge));
  }
  return {};
}

MatrixXd ridged(const Matrix& covariance, double ridge) {
  MatrixXd s = view(covariance);
  const double scale = s.trace() / static_cast<double>(s.rows());
  s.diagonal().array() += ridge * scale;
  return s;
}

LinearMap map_of(const PairStatistics& pairs, const MatrixXd& left, const MatrixXd& right) {
  return {pairs.mean_x, pairs.mean_d, to_matrix(left), to_matrix(right)};
}

Eigen::VectorXd mean_of(const std::vector<double>& mean) { return view(mean); }

}  // namespace

std::vector<float> LinearMap::apply(std::span<const float> x) const {
  const std::size_t n = x.size() / mean_x.size();
  CALX_ASSERT(x.size() == n * mean_x.size());
  std::vector<float> out(n * mean_d.size());
  using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto rows = static_cast<Index>(n);
  const Eigen::Map<const Floats> from(x.data(), rows, static_cast<Index>(mean_x.size()));
  Eigen::Map<Floats> to(out.data(), rows, static_cast<Index>(mean_d.size()));
  for (Index i = 0; i < rows; ++i) {
    Eigen::VectorXd y = mean_of(mean_d);
    if (rank() > 0) {
      const Eigen::VectorXd centred = from.row(i).transpose().cast<double>() - mean_of(mean_x);
      y += view(right) * (view(left).transpose() * centred);
    }
    to.row(i) = y.transpose().cast<float>();
  }
  return out;
}

Result<LinearMap> fit_rrr(const PairStatistics& pairs, std::size_t rank, double ridge) {
  CALX_TRY(check_rank(pairs, rank, ridge));
  const Eigen::LLT<MatrixXd> factor(ridged(pairs.xx, ridge));
  const MatrixXd w = factor.solve(MatrixXd(view(pairs.xd)));
  const Svd svd(MatrixXd(factor.matrixL().transpose() * w), Eigen::ComputeThinV);
  const MatrixXd v = svd.matrixV().leftCols(static_cast<Index>(rank));
  return map_of(pairs, w * v, v);
}

Result<LinearMap> fit_cca(const PairStatistics& pairs, std::size_t rank, double ridge) {
  CALX_TRY(check_rank(pairs, rank, ridge));
  const Eigen::LLT<MatrixXd> x(ridged(pairs.xx, ridge)), d(ridged(pairs.dd, ridge));
  const MatrixXd half = x.matrixL().solve(MatrixXd(view(pairs.xd)));
  const MatrixXd white = d.matrixL().solve(half.transpose()).transpose();
  const Svd svd(white, Eigen::ComputeThinU | Eigen::ComputeThinV);
  const auto k = static_cast<Index>(rank);
  const MatrixXd left = x.matrixU().solve(MatrixXd(svd.matrixU().leftCols(k)));
  const MatrixXd right =
      d.matrixL() * MatrixXd(svd.matrixV().leftCols(k) * svd.singularValues().head(k).asDiagonal());
  return map_of(pairs, left, right);
}

Result<LinearMap> fit_full(const PairStatistics& pairs, double ridge) {
  return fit_rrr(pairs, std::min(pairs.xd.rows, pairs.xd.columns), ridge);
}

Result<LinearMap> fit_weights(const PairStatistics& pairs, const Matrix& weights,
                              std::size_t rank) {
  CALX_TRY(check_rank(pairs, rank, 1));
  if (weights.rows != pairs.dd.rows || weights.columns != pairs.xx.rows ||
      weights.values.size() != weights.rows * weights.columns || !view(weights).allFinite()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling: weights of shape [{}, {}], wanted finite ones of [{}, {}]",
                            weights.rows, weights.columns, pairs.dd.rows, pairs.xx.rows));
  }
  const Svd svd(MatrixXd(view(weights)), Eigen::ComputeThinU | Eigen::ComputeThinV);
  const auto k = static_cast<Index>(rank);
  const MatrixXd left = svd.matrixV().leftCols(k);
  const MatrixXd right = svd.matrixU().leftCols(k) * svd.singularValues().head(k).asDiagonal();
  // Least squares for d = s y: s = tr(Sxd y^T x) / tr(y y).
  const MatrixXd w = right * left.transpose();
  const double power = (w * view(pairs.xx) * w.transpose()).trace();
  if (!(power > 0)) {
    return fail(ErrorCode::kInvalidArgument, "coupling: the weights pass no signal on");
  }
  const double scale = (w * view(pairs.xd)).trace() / power;
  return map_of(pairs, left, scale * right);
}

LinearMap fit_none(const PairStatistics& pairs) { return {pairs.mean_x, pairs.mean_d, {}, {}}; }

Matrix residual_covariance(const PairStatistics& pairs, const LinearMap& map) {
  MatrixXd c = view(pairs.dd);
  if (map.rank() > 0) {
    const MatrixXd w = view(map.left) * view(map.right).transpose();
    const MatrixXd cross = w.transpose() * view(pairs.xd);
    c += w.transpose() * view(pairs.xx) * w - cross - cross.transpose();
  }
  return to_matrix((c + c.transpose()) / 2);
}

Result<Substrate> clamped_pair(const LinearMap& map, const PairStatistics& pairs,
                               Stiffening stiffening, double temperature_kt, double beta) {
  if (!(temperature_kt > 0) || !std::isfinite(temperature_kt) || !(beta > 0) ||
      !std::isfinite(beta)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling: temperature {} and beta {}, wanted finite ones above 0",
                            temperature_kt, beta));
  }
  const std::size_t n = map.mean_d.size();
  Module decoder{.name = "decoder", .units = n, .quadratic = {0.0}};
  MatrixXd b = beta * MatrixXd::Identity(static_cast<Index>(n), static_cast<Index>(n));
  if (stiffening == Stiffening::kUniform) {
    decoder.quadratic = {beta / 2};
  } else {
    const MatrixXd c = view(residual_covariance(pairs, map));
    const Eigen::LLT<MatrixXd> factor(c);
    if (factor.info() != Eigen::Success) {
      return fail(ErrorCode::kInvalidArgument,
                  "coupling: the residual covariance is not positive definite: some unit of the "
                  "decoder never errs, so it has no calibrated stiffness");
    }
    b = temperature_kt * factor.solve(MatrixXd::Identity(c.rows(), c.cols()));
    b = ((b + b.transpose()) / 2).eval();
    decoder.intra = to_matrix(b);
  }
  Eigen::VectorXd rest = mean_of(map.mean_d);
  Substrate s;
  if (map.rank() > 0) {
    rest -= view(map.right) * (view(map.left).transpose() * mean_of(map.mean_x));
    s.couplings = {{.first = 0,
                    .second = 1,
                    .left = map.left,
                    .right = to_matrix(b * view(map.right)),
                    .strength = std::vector<double>(map.rank(), -1.0)}};
  }
  decoder.bias = to_vector(Eigen::VectorXd(b * rest));
  s.modules = {{.name = "encoder", .units = map.mean_x.size(), .clamped = true},
               std::move(decoder)};
  return s;
}

Result<Substrate> joint_pair(const LinearMap& map, const PairStatistics& pairs,
                             double temperature_kt, double ridge) {
  if (!(temperature_kt > 0) || !std::isfinite(temperature_kt) || !(ridge > 0) ||
      !std::isfinite(ridge)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling: temperature {} and ridge {}, wanted finite ones above 0",
                            temperature_kt, ridge));
  }
  const MatrixXd s = ridged(pairs.xx, ridge);
  MatrixXd w = MatrixXd::Zero(s.rows(), static_cast<Index>(pairs.dd.rows));
  if (map.rank() > 0) w = view(map.left) * view(map.right).transpose();
  const MatrixXd c = view(pairs.dd) - w.transpose() * s * w;
  const Eigen::LLT<MatrixXd> x(s), d(c);
  if (x.info() != Eigen::Success || d.info() != Eigen::Success) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("coupling: the joint covariance is indefinite: {} is not positive "
                            "definite, so no substrate has this law",
                            x.info() != Eigen::Success
                                ? "the encoder's own covariance"
                                : "what the map leaves of the decoder's covariance"));
  }
  const auto inverse = [temperature_kt](const Eigen::LLT<MatrixXd>& factor) {
    const MatrixXd all =
        temperature_kt * factor.solve(MatrixXd::Identity(factor.rows(), factor.cols()));
    return MatrixXd((all + all.transpose()) / 2);
  };
  const MatrixXd m_dd = inverse(d), drive = w * m_dd;
  MatrixXd m_xx = inverse(x) + drive * w.transpose();
  m_xx = ((m_xx + m_xx.transpose()) / 2).eval();
  const Eigen::VectorXd mean_x = mean_of(map.mean_x), mean_d = mean_of(map.mean_d);
  const auto module = [](std::string name, const MatrixXd& m, const Eigen::VectorXd& bias) {
    return Module{.name = std::move(name),
                  .units = static_cast<std::size_t>(m.rows()),
                  .quadratic = {0.0},
                  .intra = to_matrix(m),
                  .bias = to_vector(bias)};
  };
  Substrate joint;
  joint.modules = {module("encoder", m_xx, m_xx * mean_x - drive * mean_d),
                   module("decoder", m_dd, m_dd * mean_d - drive.transpose() * mean_x)};
  if (map.rank() > 0) {
    joint.couplings = {{.first = 0,
                        .second = 1,
                        .left = map.left,
                        .right = to_matrix(m_dd * view(map.right)),
                        .strength = std::vector<double>(map.rank(), -1.0)}};
  }
  return joint;
}

}  // namespace calx::thermo
