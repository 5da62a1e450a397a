// Schemes that step along the force: Euler-Maruyama, stochastic Heun, Leimkuhler-Matthews.
#include <cmath>
#include <utility>

#include "calx/thermo/stepper.h"

namespace calx::thermo {
namespace {

template <class Real>
struct Scales {
  explicit Scales(const Dynamics& d)
      : h_mu(static_cast<Real>(d.step * d.mobility)),
        noise(static_cast<Real>(std::sqrt(2 * d.mobility * d.temperature_kt * d.step))) {}
  Real h_mu, noise;
};

template <class Real>
class EulerMaruyama final : public Stepper<Real> {
 public:
  explicit EulerMaruyama(const Forces<Real>& forces) : forces_(forces), scale_(forces.dynamics) {}

  void advance(const Lot<Real>& lot, std::uint64_t steps, const NoiseSource& source,
               Workspace<Real>& work) const noexcept override {
    const std::size_t count = lot.chains * lot.units;
    for (std::uint64_t s = 0; s < steps; ++s) {
      normals(source, lot.block(lot.step + s), {work.words.data(), count},
              {work.noise.data(), count});
      for (std::uint32_t c = 0; c < lot.chains; ++c) {
        Real* x = lot.x + c * lot.units;
        const float* xi = work.noise.data() + c * lot.units;
        const Real* g = work.gradient.data();
        forces_.field->gradient(x, forces_.bias[lot.row_first + c], work.gradient.data(),
                                work.sums.data());
        for (std::size_t i = 0; i < lot.units; ++i) {
          x[i] = x[i] - scale_.h_mu * g[i] + scale_.noise * static_cast<Real>(xi[i]);
        }
      }
    }
  }

 private:
  Forces<Real> forces_;
  Scales<Real> scale_;
};

template <class Real>
class Heun final : public Stepper<Real> {
 public:
  explicit Heun(const Forces<Real>& forces) : forces_(forces), scale_(forces.dynamics) {}

  void advance(const Lot<Real>& lot, std::uint64_t steps, const NoiseSource& source,
               Workspace<Real>& work) const noexcept override {
    const std::size_t count = lot.chains * lot.units;
    const Real half = scale_.h_mu / 2;
    for (std::uint64_t s = 0; s < steps; ++s) {
      normals(source, lot.block(lot.step + s), {work.words.data(), count},
              {work.noise.data(), count});
      for (std::uint32_t c = 0; c < lot.chains; ++c) {
        Real* x = lot.x + c * lot.units;
        const Real* bias = forces_.bias[lot.row_first + c];
        const float* xi = work.noise.data() + c * lot.units;
        const Real *g = work.gradient.data(), *other = work.other.data();
        Real* moved = work.moved.data();
        forces_.field->gradient(x, bias, work.gradient.data(), work.sums.data());
        for (std::size_t i = 0; i < lot.units; ++i) {
          moved[i] = x[i] - scale_.h_mu * g[i] + scale_.noise * static_cast<Real>(xi[i]);
        }
        forces_.field->gradient(moved, bias, work.other.data(), work.sums.data());
        for (std::size_t i = 0; i < lot.units; ++i) {
          x[i] = x[i] - half * (g[i] + other[i]) + scale_.noise * static_cast<Real>(xi[i]);
        }
      }
    }
  }

 private:
  Forces<Real> forces_;
  Scales<Real> scale_;
};

// Two steps share a vector of noise: step n uses those of addresses n and n + 1, so that a run
// split into calls makes one of them twice and keeps its bits.
template <class Real>
class LeimkuhlerMatthews final : public Stepper<Real> {
 public:
  explicit LeimkuhlerMatthews(const Forces<Real>& forces)
      : forces_(forces), scale_(forces.dynamics) {}

  void advance(const Lot<Real>& lot, std::uint64_t steps, const NoiseSource& source,
               Workspace<Real>& work) const noexcept override {
    const std::size_t count = lot.chains * lot.units;
    const Real half = scale_.noise / 2;
    float *now = work.noise.data(), *next = work.next.data();
    if (steps > 0) normals(source, lot.block(lot.step), {work.words.data(), count}, {now, count});
    for (std::uint64_t s = 0; s < steps; ++s) {
      normals(source, lot.block(lot.step + s + 1), {work.words.data(), count}, {next, count});
      for (std::uint32_t c = 0; c < lot.chains; ++c) {
        Real* x = lot.x + c * lot.units;
        const float *xi = now + c * lot.units, *after = next + c * lot.units;
        const Real* g = work.gradient.data();
        forces_.field->gradient(x, forces_.bias[lot.row_first + c], work.gradient.data(),
                                work.sums.data());
        for (std::size_t i = 0; i < lot.units; ++i) {
          const Real both = static_cast<Real>(xi[i]) + static_cast<Real>(after[i]);
          x[i] = x[i] - scale_.h_mu * g[i] + half * both;
        }
      }
      std::swap(now, next);
    }
  }

 private:
  Forces<Real> forces_;
  Scales<Real> scale_;
};

}  // namespace

template <class Real>
std::unique_ptr<Stepper<Real>> make_explicit_stepper(Scheme scheme, const Forces<Real>& forces) {
  if (scheme == Scheme::kEulerMaruyama) return std::make_unique<EulerMaruyama<Real>>(forces);
  if (scheme == Scheme::kHeun) return std::make_unique<Heun<Real>>(forces);
  return std::make_unique<LeimkuhlerMatthews<Real>>(forces);
}

template std::unique_ptr<Stepper<float>> make_explicit_stepper(Scheme, const Forces<float>&);
template std::unique_ptr<Stepper<double>> make_explicit_stepper(Scheme, const Forces<double>&);

}  // namespace calx::thermo
