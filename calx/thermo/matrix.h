// A dense matrix as the descriptions of substrates hold it: row-major doubles, no arithmetic.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace calx::thermo {

/// Shape [rows, columns], row-major. Without elements it stands for "none".
struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> values;

  Matrix() = default;
  Matrix(std::size_t row_count, std::size_t column_count)
      : rows(row_count), columns(column_count), values(row_count * column_count) {}
  Matrix(std::size_t row_count, std::size_t column_count, std::vector<double> elements)
      : rows(row_count), columns(column_count), values(std::move(elements)) {}

  static Matrix diagonal(std::size_t n, double value) {
    Matrix matrix(n, n);
    for (std::size_t i = 0; i < n; ++i) matrix(i, i) = value;
    return matrix;
  }

  [[nodiscard]] bool empty() const noexcept { return values.empty(); }
  double& operator()(std::size_t row, std::size_t column) noexcept {
    return values[row * columns + column];
  }
  double operator()(std::size_t row, std::size_t column) const noexcept {
    return values[row * columns + column];
  }

  friend bool operator==(const Matrix&, const Matrix&) = default;
};

}  // namespace calx::thermo
