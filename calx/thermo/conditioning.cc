#include "calx/thermo/conditioning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <span>
#include <string_view>

namespace calx::thermo {
namespace {

Result<void> check_rows(const Matrix& matrix, std::string_view what, std::size_t chains,
                        std::size_t units, bool optional) {
  if (optional && matrix.empty() && matrix.rows == 0) return {};
  if (matrix.columns != units || (matrix.rows != 1 && matrix.rows != chains) ||
      matrix.values.size() != matrix.rows * matrix.columns) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("conditioning: {} of shape [{}, {}], wanted [1 or {}, {}]", what,
                            matrix.rows, matrix.columns, chains, units));
  }
  if (std::ranges::all_of(matrix.values, [](double v) { return std::isfinite(v); })) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("conditioning: a value of {} is not a finite number", what));
}

std::span<const double> row_of(const Matrix& matrix, std::size_t chain) {
  const std::size_t row = matrix.rows == 1 ? 0 : chain;
  return {matrix.values.data() + row * matrix.columns, matrix.columns};
}

// force = minus (here diag(s) there^T) x: what the clamped module `there` does to module `here`.
void push(const Coupling& coupling, const Matrix& here, const Matrix& there,
          std::span<const double> x, double* bias) {
  for (std::size_t k = 0; k < coupling.rank(); ++k) {
    double seen = 0;
    for (std::size_t j = 0; j < there.rows; ++j) seen += there(j, k) * x[j];
    if (!coupling.strength.empty()) seen *= coupling.strength[k];
    for (std::size_t i = 0; i < here.rows; ++i) bias[i] -= here(i, k) * seen;
  }
}

}  // namespace

Result<Matrix> effective_bias(const Substrate& substrate, const Conditioning& conditioning,
                              std::size_t chains) try {
  CALX_TRY(check(substrate));
  const Places place = places(substrate);
  CALX_TRY(check_rows(conditioning.clamps, "clamps", chains, place.clamped_units,
                      place.clamped_units == 0));
  CALX_TRY(check_rows(conditioning.bias, "bias", chains, place.free_units, true));
  const bool differ = conditioning.clamps.rows > 1 || conditioning.bias.rows > 1;
  Matrix result(differ ? chains : 1, place.free_units);
  for (std::size_t chain = 0; chain < result.rows; ++chain) {
    double* bias = result.values.data() + chain * place.free_units;
    for (std::size_t m = 0; m < substrate.modules.size(); ++m) {
      if (substrate.modules[m].clamped) continue;
      std::ranges::copy(substrate.modules[m].bias, bias + place.offset[m]);
    }
    if (!conditioning.bias.empty()) {
      const auto extra = row_of(conditioning.bias, chain);
      for (std::size_t i = 0; i < extra.size(); ++i) bias[i] += extra[i];
    }
    for (const Coupling& c : substrate.couplings) {
      const bool first = substrate.modules[c.first].clamped;
      const bool second = substrate.modules[c.second].clamped;
      if (first == second) continue;
      const auto clamps = row_of(conditioning.clamps, chain);
      if (first) {
        push(c, c.right, c.left, clamps.subspan(place.offset[c.first]),
             bias + place.offset[c.second]);
      } else {
        push(c, c.left, c.right, clamps.subspan(place.offset[c.second]),
             bias + place.offset[c.first]);
      }
    }
  }
  return result;
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("conditioning: no memory for {} chains", chains));
}

}  // namespace calx::thermo
