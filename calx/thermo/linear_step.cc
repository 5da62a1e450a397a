// Exact steps: x' = A x + (z - A z) + S xi, two products in a fixed order of sums.
#include <algorithm>
#include <array>

#include "calx/thermo/stepper.h"

namespace calx::thermo {

template <class Real>
FixedOrderProduct<Real>::FixedOrderProduct(const Matrix& matrix)
    : rows_(matrix.rows),
      columns_(matrix.columns),
      values_((matrix.rows + kLanes - 1) / kLanes * matrix.columns * kLanes) {
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t j = 0; j < columns_; ++j) {
      values_[(i / kLanes * columns_ + j) * kLanes + i % kLanes] = static_cast<Real>(matrix(i, j));
    }
  }
}

template <class Real>
void FixedOrderProduct<Real>::add(const Real* x, Real* out) const noexcept {
  const Real* column = values_.data();
  for (std::size_t first = 0; first < rows_; first += kLanes) {
    std::array<Real, kLanes> sum{};
    for (std::size_t j = 0; j < columns_; ++j, column += kLanes) {
      for (std::size_t l = 0; l < kLanes; ++l) sum[l] += column[l] * x[j];
    }
    const std::size_t count = std::min(kLanes, rows_ - first);
    for (std::size_t l = 0; l < count; ++l) out[first + l] += sum[l];
  }
}

template class FixedOrderProduct<float>;
template class FixedOrderProduct<double>;

namespace {

template <class Real>
class Linear final : public Stepper<Real> {
 public:
  Linear(const LinearStep& step, const Matrix& shift)
      : propagator_(step.propagator),
        noise_(step.noise),
        shift_(shift.values.begin(), shift.values.end()),
        rows_{shift_.data(), shift.rows == 1 ? 0 : shift.columns} {}

  void advance(const Lot<Real>& lot, std::uint64_t steps, const NoiseSource& source,
               Workspace<Real>& work) const noexcept override {
    const std::size_t count = lot.chains * lot.units;
    for (std::uint64_t s = 0; s < steps; ++s) {
      normals(source, lot.block(lot.step + s), {work.words.data(), count},
              {work.noise.data(), count});
      for (std::uint32_t c = 0; c < lot.chains; ++c) {
        Real* x = lot.x + c * lot.units;
        Real *next = work.moved.data(), *xi = work.other.data();
        std::copy_n(work.noise.data() + c * lot.units, lot.units, xi);
        std::copy_n(rows_[lot.row_first + c], lot.units, next);
        propagator_.add(x, next);
        noise_.add(xi, next);
        std::copy_n(next, lot.units, x);
      }
    }
  }

 private:
  FixedOrderProduct<Real> propagator_, noise_;
  std::vector<Real> shift_;
  Rows<Real> rows_;
};

}  // namespace

template <class Real>
std::unique_ptr<Stepper<Real>> make_linear_stepper(const LinearStep& step, const Matrix& shift) {
  return std::make_unique<Linear<Real>>(step, shift);
}

template std::unique_ptr<Stepper<float>> make_linear_stepper(const LinearStep&, const Matrix&);
template std::unique_ptr<Stepper<double>> make_linear_stepper(const LinearStep&, const Matrix&);

}  // namespace calx::thermo
