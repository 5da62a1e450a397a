// The inside of Sampler: one scheme advances a lot of chains, all in one cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "calx/thermo/dynamics.h"
#include "calx/thermo/exact_law.h"
#include "calx/thermo/field.h"
#include "calx/thermo/noise_source.h"
#include "calx/thermo/sampler.h"

namespace calx::thermo {

/// Rows of a matrix by chain; all chains share row 0 when there is only one.
template <class Real>
struct Rows {
  const Real* data = nullptr;
  std::size_t stride = 0;

  [[nodiscard]] const Real* operator[](std::size_t chain) const noexcept {
    return data + chain * stride;
  }
};

/// Consecutive chains of a run that one thread advances.
template <class Real>
struct Lot {
  std::uint32_t chain_first = 0;  // its address in the noise
  std::uint32_t chains = 0;
  std::size_t row_first = 0;  // its place in the sampler's arrays
  std::size_t units = 0;
  Real* x = nullptr;  // [chains, units]
  std::uint64_t step = 0;

  [[nodiscard]] NoiseBlock block(std::uint64_t at, Draw draw = Draw::kThermal) const noexcept {
    return {.step = at,
            .draw = draw,
            .chain_first = chain_first,
            .chains = chains,
            .unit_first = 0,
            .units = static_cast<std::uint32_t>(units)};
  }
};

/// Memory of one thread, made before it starts.
template <class Real>
struct Workspace {
  Workspace(std::size_t chains, std::size_t units, std::size_t sum_count, std::size_t shares)
      : words(chains * units),
        noise(chains * units),
        next(chains * units),
        gradient(units),
        other(units),
        moved(units),
        sums(2 * sum_count),
        lanes(kLanes * sum_count),
        totals(sum_count * shares) {}

  std::vector<std::uint32_t> words;
  std::vector<float> noise, next;
  std::vector<Real> gradient, other, moved, sums, lanes, totals;
  Tally tally;
};

template <class Real>
class Stepper {
 public:
  virtual ~Stepper() = default;
  virtual void advance(const Lot<Real>& lot, std::uint64_t steps, const NoiseSource& source,
                       Workspace<Real>& work) const noexcept = 0;

  /// Into how many parts one step of one chain can be divided among threads; 1: not at all.
  [[nodiscard]] virtual std::size_t shares() const noexcept { return 1; }
  /// A lot of one chain by work.size() threads, at most shares(). Errors: kResourceExhausted.
  virtual Result<void> advance_together(const Lot<Real>& lot, std::uint64_t steps,
                                        const NoiseSource& source,
                                        std::span<Workspace<Real>> work) const {
    advance(lot, steps, source, work[0]);
    return {};
  }

 protected:
  Stepper() = default;
  Stepper(const Stepper&) = default;
  Stepper& operator=(const Stepper&) = default;
};

/// What the schemes that follow the force share.
template <class Real>
struct Forces {
  const Field<Real>* field = nullptr;
  Rows<Real> bias;
  Dynamics dynamics;
};

/// Euler-Maruyama, stochastic Heun and Leimkuhler-Matthews.
template <class Real>
std::unique_ptr<Stepper<Real>> make_explicit_stepper(Scheme scheme, const Forces<Real>& forces);
/// The same bits in one pass a step; null where it does not apply: other schemes than
/// Euler-Maruyama and Leimkuhler-Matthews, couplings within modules, more than 8 couplings of a
/// module, double.
template <class Real>
std::unique_ptr<Stepper<Real>> make_fused_stepper(Scheme scheme, const Forces<Real>& forces);
template <>
std::unique_ptr<Stepper<float>> make_fused_stepper(Scheme scheme, const Forces<float>& forces);
template <>
std::unique_ptr<Stepper<double>> make_fused_stepper(Scheme scheme, const Forces<double>& forces);
template <class Real>
std::unique_ptr<Stepper<Real>> make_walk_stepper(const Forces<Real>& forces);
template <class Real>
std::unique_ptr<Stepper<Real>> make_mala_stepper(const Forces<Real>& forces);
/// x' = A x + shift + S xi, where shift = z - A z has a row for each chain or one for all.
template <class Real>
std::unique_ptr<Stepper<Real>> make_linear_stepper(const LinearStep& step, const Matrix& shift);

/// out = matrix x, each element a sum in index order; layout [ceil(rows / 16), columns, 16].
template <class Real>
class FixedOrderProduct {
 public:
  FixedOrderProduct() = default;
  explicit FixedOrderProduct(const Matrix& matrix);
  void add(const Real* x, Real* out) const noexcept;

 private:
  std::size_t rows_ = 0, columns_ = 0;
  std::vector<Real> values_;
};

extern template class FixedOrderProduct<float>;
extern template class FixedOrderProduct<double>;

}  // namespace calx::thermo
