// The lattice random walk (arXiv 2508.20883) with moves of d = sqrt(h) sigma, sigma^2 = 2 mu kT:
// each unit goes up with probability P+ = (1 + f sqrt(h) / sigma) / 2, else down, f = -mu grad E
// clipped to what one move can carry. E[move^2] = h sigma^2 whatever f is.
#include <algorithm>
#include <cmath>

#include "calx/thermo/stepper.h"

namespace calx::thermo {
namespace {

template <class Real>
class LatticeWalk final : public Stepper<Real> {
 public:
  explicit LatticeWalk(const Forces<Real>& forces)
      : forces_(forces),
        move_(static_cast<Real>(std::sqrt(2 * forces.dynamics.mobility *
                                          forces.dynamics.temperature_kt * forces.dynamics.step))),
        // f sqrt(h) / sigma = -grad E * (h mu / move)
        tilt_(static_cast<Real>(forces.dynamics.step * forces.dynamics.mobility) / move_) {}

  void advance(const Lot<Real>& lot, std::uint64_t steps, const NoiseSource& source,
               Workspace<Real>& work) const noexcept override {
    const std::size_t count = lot.chains * lot.units;
    const unsigned shift = 32 - source.bits();
    const double values = std::ldexp(1.0, static_cast<int>(source.bits()));
    for (std::uint64_t s = 0; s < steps; ++s) {
      source.words(lot.block(lot.step + s), {work.words.data(), count});
      for (std::uint32_t c = 0; c < lot.chains; ++c) {
        Real* x = lot.x + c * lot.units;
        forces_.field->gradient(x, forces_.bias[lot.row_first + c], work.gradient.data(),
                                work.sums.data());
        work.tally.clipped += step(x, work.gradient.data(), work.words.data() + c * lot.units,
                                   lot.units, shift, values);
      }
    }
  }

 private:
  // A unit goes down if its draw of n bits is below round(2^n P-), else up.
  std::uint64_t step(Real* x, const Real* gradient, const std::uint32_t* words, std::size_t units,
                     unsigned shift, double values) const noexcept {
    std::uint64_t clipped = 0;
    for (std::size_t i = 0; i < units; ++i) {
      const Real lean = gradient[i] * tilt_;
      const Real held = std::clamp(lean, Real{-1}, Real{1});
      clipped += lean != held ? 1 : 0;
      const double below = std::floor(values * (0.5 + 0.5 * static_cast<double>(held)) + 0.5);
      x[i] += static_cast<double>(words[i] >> shift) < below ? -move_ : move_;
    }
    return clipped;
  }

  Forces<Real> forces_;
  Real move_, tilt_;
};

}  // namespace

template <class Real>
std::unique_ptr<Stepper<Real>> make_walk_stepper(const Forces<Real>& forces) {
  return std::make_unique<LatticeWalk<Real>>(forces);
}

template std::unique_ptr<Stepper<float>> make_walk_stepper(const Forces<float>&);
template std::unique_ptr<Stepper<double>> make_walk_stepper(const Forces<double>&);

}  // namespace calx::thermo
