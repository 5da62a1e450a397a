// Matrix and vectors as Eigen sees them, for the sources that need linear algebra.
#pragma once

#include <Eigen/Dense>
#include <span>
#include <vector>

#include "calx/thermo/matrix.h"

namespace calx::thermo {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using EigenSolver = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>;

inline Eigen::Map<const RowMajor> view(const Matrix& matrix) {
  return {matrix.values.data(), static_cast<Eigen::Index>(matrix.rows),
          static_cast<Eigen::Index>(matrix.columns)};
}

inline Eigen::Map<const Eigen::VectorXd> view(std::span<const double> values) {
  return {values.data(), static_cast<Eigen::Index>(values.size())};
}

inline Matrix to_matrix(const Eigen::Ref<const RowMajor>& from) {
  Matrix matrix(static_cast<std::size_t>(from.rows()), static_cast<std::size_t>(from.cols()));
  Eigen::Map<RowMajor>(matrix.values.data(), from.rows(), from.cols()) = from;
  return matrix;
}

inline std::vector<double> to_vector(const Eigen::Ref<const Eigen::VectorXd>& from) {
  return {from.data(), from.data() + from.size()};
}

}  // namespace calx::thermo
