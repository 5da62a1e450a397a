// The Metropolis-adjusted Langevin algorithm: an Euler-Maruyama move from x to y, accepted with
// probability min(1, exp(-(E(y) - E(x))/kT) q(x | y) / q(y | x)), where
// -ln q(y | x) = |y - x + h mu grad E(x)|^2 / (4 mu kT h) + a constant.
#include <algorithm>
#include <cmath>

#include "calx/thermo/stepper.h"

namespace calx::thermo {
namespace {

template <class Real>
class Mala final : public Stepper<Real> {
 public:
  explicit Mala(const Forces<Real>& forces)
      : forces_(forces),
        h_mu_(static_cast<Real>(forces.dynamics.step * forces.dynamics.mobility)),
        noise_(
            static_cast<Real>(std::sqrt(2 * forces.dynamics.mobility *
                                        forces.dynamics.temperature_kt * forces.dynamics.step))) {}

  void advance(const Lot<Real>& lot, std::uint64_t steps, const NoiseSource& source,
               Workspace<Real>& work) const noexcept override {
    const std::size_t count = lot.chains * lot.units;
    for (std::uint64_t s = 0; s < steps; ++s) {
      normals(source, lot.block(lot.step + s), {work.words.data(), count},
              {work.noise.data(), count});
      for (std::uint32_t c = 0; c < lot.chains; ++c) {
        NoiseBlock one = lot.block(lot.step + s, Draw::kAcceptance);
        one.chain_first += c;
        one.chains = 1;
        one.units = 1;
        std::uint32_t word = 0;
        source.words(one, {&word, 1});
        // The middle of the word's own interval: never 0, never 1.
        const double dice = (word + 0.5) * 0x1p-32;
        ++work.tally.proposed;
        work.tally.accepted += move(lot, c, work, dice) ? 1 : 0;
      }
    }
  }

 private:
  bool move(const Lot<Real>& lot, std::uint32_t c, Workspace<Real>& work,
            double dice) const noexcept {
    Real* x = lot.x + c * lot.units;
    const Real* bias = forces_.bias[lot.row_first + c];
    const float* xi = work.noise.data() + c * lot.units;
    const Real *g = work.gradient.data(), *back = work.other.data();
    Real* y = work.moved.data();
    forces_.field->gradient(x, bias, work.gradient.data(), work.sums.data());
    for (std::size_t i = 0; i < lot.units; ++i) {
      y[i] = x[i] - h_mu_ * g[i] + noise_ * static_cast<Real>(xi[i]);
    }
    forces_.field->gradient(y, bias, work.other.data(), work.sums.data());
    double there = 0, here = 0;  // squared misses of the move and of its reverse
    for (std::size_t i = 0; i < lot.units; ++i) {
      const double far = double{y[i]} - double{x[i]};
      const double forward = far + double{h_mu_} * double{g[i]};
      const double reverse = -far + double{h_mu_} * double{back[i]};
      there += forward * forward;
      here += reverse * reverse;
    }
    const double kt = forces_.dynamics.temperature_kt;
    const double rise = forces_.field->energy(y, bias, back) - forces_.field->energy(x, bias, g);
    const double log_ratio = -rise / kt + (there - here) / (4 * kt * double{h_mu_});
    if (!(std::log(dice) < log_ratio)) return false;
    std::copy_n(y, lot.units, x);
    return true;
  }

  Forces<Real> forces_;
  Real h_mu_, noise_;
};

}  // namespace

template <class Real>
std::unique_ptr<Stepper<Real>> make_mala_stepper(const Forces<Real>& forces) {
  return std::make_unique<Mala<Real>>(forces);
}

template std::unique_ptr<Stepper<float>> make_mala_stepper(const Forces<float>&);
template std::unique_ptr<Stepper<double>> make_mala_stepper(const Forces<double>&);

}  // namespace calx::thermo
