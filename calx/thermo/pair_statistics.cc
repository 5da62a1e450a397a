#include "calx/thermo/pair_statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "calx/thermo/eigen_view.h"

namespace calx::thermo {
namespace {

constexpr Eigen::Index kRowsAtOnce = 4096;

using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using FloatView = Eigen::Map<const Floats>;

}  // namespace

Result<PairStatistics> pair_statistics(std::span<const float> x, std::size_t units_x,
                                       std::span<const float> d, std::size_t units_d) try {
  const std::size_t count = units_x == 0 ? 0 : x.size() / units_x;
  if (units_x == 0 || units_d == 0 || count < 2 || x.size() != count * units_x ||
      d.size() != count * units_d) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("pairs: {} values of {} units with {} of {}, wanted at least 2 whole "
                            "pairs",
                            x.size(), units_x, d.size(), units_d));
  }
  const auto rows = static_cast<Eigen::Index>(count);
  const auto nx = static_cast<Eigen::Index>(units_x), nd = static_cast<Eigen::Index>(units_d);
  const FloatView xs(x.data(), rows, nx), ds(d.data(), rows, nd);
  const auto n = static_cast<double>(count);
  Eigen::RowVectorXd mean_x = Eigen::RowVectorXd::Zero(nx), mean_d = Eigen::RowVectorXd::Zero(nd);
  for (Eigen::Index i = 0; i < rows; ++i) {
    mean_x += xs.row(i).cast<double>();
    mean_d += ds.row(i).cast<double>();
  }
  mean_x /= n;
  mean_d /= n;
  if (!mean_x.allFinite() || !mean_d.allFinite()) {
    return fail(ErrorCode::kInvalidArgument, "pairs: a value is not a finite number");
  }
  RowMajor xx = RowMajor::Zero(nx, nx), xd = RowMajor::Zero(nx, nd), dd = RowMajor::Zero(nd, nd);
  for (Eigen::Index first = 0; first < rows; first += kRowsAtOnce) {
    const Eigen::Index some = std::min(kRowsAtOnce, rows - first);
    const RowMajor a = xs.middleRows(first, some).cast<double>().rowwise() - mean_x;
    const RowMajor b = ds.middleRows(first, some).cast<double>().rowwise() - mean_d;
    xx.noalias() += a.transpose() * a;
    xd.noalias() += a.transpose() * b;
    dd.noalias() += b.transpose() * b;
  }
  return PairStatistics{count,
                        to_vector(Eigen::VectorXd(mean_x)),
                        to_vector(Eigen::VectorXd(mean_d)),
                        to_matrix(xx / n),
                        to_matrix(xd / n),
                        to_matrix(dd / n)};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted, "pairs: no memory for their covariances");
}

}  // namespace calx::thermo
