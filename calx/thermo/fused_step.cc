// Euler-Maruyama and Leimkuhler-Matthews in one pass a step, for couplings kept as factors. The
// bits are those of explicit_steps.cc.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cmath>
#include <latch>
#include <system_error>
#include <thread>

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
    std::size_t totals = 0;
    for (const auto& part : forces.field->parts()) {
      std::size_t ranks = 0;
      for (const std::size_t p : part.ports) ranks += forces.field->ports()[p].rank;
      for (std::size_t first = 0; first < part.units; first += kChunkUnits, totals += ranks) {
        shares_.push_back({&part, first, std::min(kChunkUnits, part.units - first), totals});
      }
    }
  }

  void advance(const Lot<float>& lot, std::uint64_t steps, const NoiseSource& source,
               Workspace<float>& work) const noexcept override {
    for (std::uint32_t c = 0; c < lot.chains && steps > 0; ++c) {
      const Chain chain = chain_of(lot, c);
      begin(chain, work);
      for (const Share& share : shares_) first_noise(chain, share, source, work, work);
      for (std::uint64_t s = 0; s < steps; ++s) {
        for (const Share& share : shares_) run(chain, share, s, source, work, work);
        gather(work);
      }
    }
  }

  [[nodiscard]] std::size_t shares() const noexcept override { return shares_.size(); }

  // One barrier a step: the last thread to arrive adds up the shares in their order.
  Result<void> advance_together(const Lot<float>& lot, std::uint64_t steps,
                                const NoiseSource& source,
                                std::span<Workspace<float>> work) const override try {
    const Chain chain = chain_of(lot, 0);
    Workspace<float>& common = work[0];
    begin(chain, common);
    const auto finish = [this, &common]() noexcept { gather(common); };
    std::barrier step_done(static_cast<std::ptrdiff_t>(work.size()), finish);
    const auto serve = [&](std::size_t thread) {
      const std::size_t from = shares_.size() * thread / work.size();
      const std::size_t to = shares_.size() * (thread + 1) / work.size();
      const std::span own(shares_.data() + from, to - from);
      for (const Share& share : own) first_noise(chain, share, source, common, work[thread]);
      for (std::uint64_t s = 0; s < steps; ++s) {
        for (const Share& share : own) run(chain, share, s, source, common, work[thread]);
        step_done.arrive_and_wait();
      }
    };
    // A thread that cannot be started would leave the others waiting: all start before any works.
    std::latch started(1);
    std::atomic<bool> all = true;
    std::vector<std::jthread> helpers;
    const auto open = [&](bool every) {
      all = every;
      started.count_down();
    };
    try {
      for (std::size_t t = 1; t < work.size(); ++t) {
        helpers.emplace_back([&, t] {
          started.wait();
          if (all) serve(t);
        });
      }
    } catch (...) {
      open(false);
      throw;
    }
    open(true);
    serve(0);
    return {};
  } catch (const std::system_error& error) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("sampler: no thread could be started ({})", error.what()));
  }

 private:
  struct Chain {
    float* x;
    const float* bias;
    std::uint32_t address;
    std::uint64_t step;
  };

  // A chunk of units of one module: what one thread does of a step.
  struct Share {
    const Field<float>::Part* part;
    std::size_t first, units;  // within the module
    std::size_t totals;        // where the sums of the module's ports stand for this chunk
  };

  [[nodiscard]] Chain chain_of(const Lot<float>& lot, std::uint32_t c) const noexcept {
    return {lot.x + c * lot.units, forces_.bias[lot.row_first + c], lot.chain_first + c, lot.step};
  }

  static void draw(const NoiseSource& source, const Chain& chain, std::uint64_t step,
                   std::size_t first, std::size_t units, Workspace<float>& own,
                   float* out) noexcept {
    normals(source,
            {.step = step,
             .chain_first = chain.address,
             .unit_first = static_cast<std::uint32_t>(first),
             .units = static_cast<std::uint32_t>(units)},
            {own.words.data(), units}, {out, units});
  }

  void begin(const Chain& chain, Workspace<float>& common) const noexcept {
    const Field<float>& field = *forces_.field;
    field.collect(chain.x, common.sums.data());
    field.drives(common.sums.data(), common.sums.data() + field.sums());
  }

  // Leimkuhler-Matthews holds the noise of the step that is about to be taken.
  void first_noise(const Chain& chain, const Share& share, const NoiseSource& source,
                   Workspace<float>& common, Workspace<float>& own) const noexcept {
    if (!twice_) return;
    for (std::size_t at = 0; at < share.units; at += kBlockUnits) {
      const std::size_t i = share.part->offset + share.first + at;
      draw(source, chain, chain.step, i, std::min(kBlockUnits, share.units - at), own,
           common.noise.data() + i);
    }
  }

  void run(const Chain& chain, const Share& share, std::uint64_t step, const NoiseSource& source,
           Workspace<float>& common, Workspace<float>& own) const noexcept {
    const Field<float>& field = *forces_.field;
    const Field<float>::Part& part = *share.part;
    const float* v = common.sums.data() + field.sums();
    std::array<FusedPort, kPortsMax> ports;
    for (std::size_t p = 0; p < part.ports.size(); ++p) {
      const auto& port = field.ports()[part.ports[p]];
      ports[p] = {port.factor.data() + share.first * port.rank, v + port.sums,
                  own.lanes.data() + port.sums * kLanes, port.rank};
      std::fill_n(ports[p].sums, port.rank * kLanes, 0.0f);
    }
    for (std::size_t at = 0; at < share.units; at += kBlockUnits) {
      const std::size_t some = std::min(kBlockUnits, share.units - at);
      const std::size_t within = share.first + at, i = part.offset + within;
      draw(source, chain, chain.step + step + (twice_ ? 1 : 0), i, some, own, own.next.data());
      float* held = common.noise.data() + i;
      kernel_.run({.x = chain.x + i,
                   .bias = chain.bias + i,
                   .twice_j2 = part.twice_j2.data() + within,
                   .four_j4 = part.four_j4.empty() ? nullptr : part.four_j4.data() + within,
                   .noise = twice_ ? held : own.next.data(),
                   .more_noise = twice_ ? own.next.data() : nullptr,
                   .h_mu = h_mu_,
                   .scale = scale_,
                   .units = some,
                   .ports = {ports.data(), part.ports.size()}});
      if (twice_) std::copy_n(own.next.data(), some, held);
      for (std::size_t p = 0; p < part.ports.size(); ++p) ports[p].factor += some * ports[p].rank;
    }
    float* total = common.totals.data() + share.totals;
    for (std::size_t p = 0; p < part.ports.size(); ++p) {
      for (std::size_t k = 0; k < ports[p].rank; ++k) {
        *total++ = sum_of_lanes(ports[p].sums + k * kLanes);
      }
    }
  }

  // t = the shares' sums in their order, then what they drive.
  void gather(Workspace<float>& common) const noexcept {
    const Field<float>& field = *forces_.field;
    float* t = common.sums.data();
    std::fill_n(t, field.sums(), 0.0f);
    for (const Share& share : shares_) {
      const float* total = common.totals.data() + share.totals;
      for (const std::size_t p : share.part->ports) {
        const auto& port = field.ports()[p];
        for (std::size_t k = 0; k < port.rank; ++k) t[port.sums + k] += *total++;
      }
    }
    field.drives(t, t + field.sums());
  }

  Forces<float> forces_;
  const FusedKernel& kernel_;
  bool twice_;
  float h_mu_, scale_ = 0;
  std::vector<Share> shares_;
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
