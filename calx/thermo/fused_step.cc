// Euler-Maruyama and Leimkuhler-Matthews in one pass a step, for couplings kept as factors. The
// bits are those of explicit_steps.cc.
#include <algorithm>
#include <array>
#include <cmath>

#include "calx/thermo/fused_kernel.h"
#include "calx/thermo/stepper.h"

namespace calx::thermo {
namespace {

constexpr std::size_t kBlockUnits =
    1024;                             // words and normal values of a block stay in the first cache
constexpr std::size_t kPortsMax = 8;  // of one module; more take the plain path

class Fused final : public Stepper<float> {
 public:
  Fused(Scheme scheme, const Forces<float>& forces)
      : forces_(forces),
        kernel_(fused_kernel()),
        twice_(scheme == Scheme::kLeimkuhlerMatthews),
        h_mu_(static_cast<float>(forces.dynamics.step * forces.dynamics.mobility)) {
    const auto noise = static_cast<float>(std::sqrt(
        2 * forces.dynamics.mobility * forces.dynamics.temperature_kt * forces.dynamics.step));
    scale_ = twice_ ? noise / 2 : noise;
  }

  void advance(const Lot<float>& lot, std::uint64_t steps, const NoiseSource& source,
               Workspace<float>& work) const noexcept override {
    for (std::uint32_t c = 0; c < lot.chains && steps > 0; ++c) {
      Chain chain{lot.x + c * lot.units, forces_.bias[lot.row_first + c], lot.chain_first + c,
                  lot.step};
      if (twice_) {
        for (std::size_t first = 0; first < lot.units; first += kBlockUnits) {
          draw(source, chain, first, std::min(kBlockUnits, lot.units - first), work,
               work.noise.data() + first);
        }
        ++chain.step;  // the noise that a block still needs is that of the step after
      }
      forces_.field->collect(chain.x, work.sums.data());
      for (std::uint64_t s = 0; s < steps; ++s, ++chain.step) step(chain, source, work);
    }
  }

 private:
  struct Chain {
    float* x;
    const float* bias;
    std::uint32_t address;
    std::uint64_t step;
  };

  static void draw(const NoiseSource& source, const Chain& chain, std::size_t first,
                   std::size_t units, Workspace<float>& work, float* out) noexcept {
    normals(source,
            {.step = chain.step,
             .chain_first = chain.address,
             .unit_first = static_cast<std::uint32_t>(first),
             .units = static_cast<std::uint32_t>(units)},
            {work.words.data(), units}, {out, units});
  }

  void step(const Chain& chain, const NoiseSource& source, Workspace<float>& work) const noexcept {
    const Field<float>& field = *forces_.field;
    float* t = work.sums.data();
    float* v = t + field.scratch() / 2;
    field.drives(t, v);
    std::fill(t, v, 0.0f);
    for (const auto& part : field.parts()) {
      for (std::size_t first = 0; first < part.units; first += kChunkUnits) {
        chunk(chain, part, first, std::min(kChunkUnits, part.units - first), source, work);
      }
    }
  }

  void chunk(const Chain& chain, const Field<float>::Part& part, std::size_t first,
             std::size_t units, const NoiseSource& source, Workspace<float>& work) const noexcept {
    const Field<float>& field = *forces_.field;
    float* t = work.sums.data();
    const float* v = t + field.scratch() / 2;
    std::array<FusedPort, kPortsMax> ports;
    for (std::size_t p = 0; p < part.ports.size(); ++p) {
      const auto& port = field.ports()[part.ports[p]];
      ports[p] = {port.factor.data() + first * port.rank, v + port.sums,
                  work.lanes.data() + port.sums * kLanes, port.rank};
      std::fill_n(ports[p].sums, port.rank * kLanes, 0.0f);
    }
    for (std::size_t at = 0; at < units; at += kBlockUnits) {
      const std::size_t some = std::min(kBlockUnits, units - at);
      const std::size_t i = part.offset + first + at;
      draw(source, chain, i, some, work, work.next.data());
      float* held = work.noise.data() + i;
      kernel_.run({.x = chain.x + i,
                   .bias = chain.bias + i,
                   .twice_j2 = part.twice_j2.data() + first + at,
                   .four_j4 = part.four_j4.empty() ? nullptr : part.four_j4.data() + first + at,
                   .noise = twice_ ? held : work.next.data(),
                   .more_noise = twice_ ? work.next.data() : nullptr,
                   .h_mu = h_mu_,
                   .scale = scale_,
                   .units = some,
                   .ports = {ports.data(), part.ports.size()}});
      if (twice_) std::copy_n(work.next.data(), some, held);
      for (std::size_t p = 0; p < part.ports.size(); ++p) ports[p].factor += some * ports[p].rank;
    }
    for (std::size_t p = 0; p < part.ports.size(); ++p) {
      const auto& port = field.ports()[part.ports[p]];
      for (std::size_t k = 0; k < port.rank; ++k) {
        t[port.sums + k] += sum_of_lanes(ports[p].sums + k * kLanes);
      }
    }
  }

  Forces<float> forces_;
  const FusedKernel& kernel_;
  bool twice_;
  float h_mu_, scale_ = 0;
};

}  // namespace

template <>
std::unique_ptr<Stepper<float>> make_fused_stepper(Scheme scheme, const Forces<float>& forces) {
  const bool follows = scheme == Scheme::kEulerMaruyama || scheme == Scheme::kLeimkuhlerMatthews;
  const bool fits = std::ranges::all_of(forces.field->parts(), [](const auto& part) {
    return part.intra.empty() && part.ports.size() <= kPortsMax;
  });
  if (!follows || !fits) return nullptr;
  return std::make_unique<Fused>(scheme, forces);
}

template <>
std::unique_ptr<Stepper<double>> make_fused_stepper(Scheme, const Forces<double>&) {
  return nullptr;
}

}  // namespace calx::thermo
