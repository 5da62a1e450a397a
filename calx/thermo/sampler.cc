#include "calx/thermo/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "calx/base/assert.h"
#include "calx/thermo/field.h"
#include "calx/thermo/stepper.h"
#include "calx/thermo/stiffness.h"

namespace calx::thermo {
namespace {

// Chains that one thread takes at a time: enough that a call for noise is wide, few enough that
// their state stays in the first caches. The bits do not depend on either number.
constexpr std::size_t kLotChains = 16;
constexpr std::size_t kLotValues = 65'536;
// Units from which threads that share a chain gain more than their barriers cost.
constexpr std::size_t kTogetherUnitsMin = 2 * kChunkUnits;

Result<void> check_options(const SamplerOptions& options, std::size_t units,
                           const NoiseSource* source) {
  CALX_TRY(check(options.dynamics));
  if (!source) return fail(ErrorCode::kInvalidArgument, "sampler: no noise source");
  if (options.chains == 0 || options.threads == 0 || options.threads > kSamplerThreadsMax) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("sampler: {} chains on {} threads, wanted at least 1 chain and 1 to {} "
                            "threads",
                            options.chains, options.threads, kSamplerThreadsMax));
  }
  if (std::uint64_t{options.chains} * units > kStateValuesMax) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("sampler: {} chains of {} units, wanted at most {} values in all",
                            options.chains, units, kStateValuesMax));
  }
  return {};
}

Result<void> check_exact(std::size_t units, bool quartic) {
  if (quartic) {
    return fail(ErrorCode::kInvalidArgument,
                "sampler: the exact law is known for quadratic energies only, and J4 is not 0: use "
                "lm, mala or lrw");
  }
  if (units <= kExactUnitsMax) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("sampler: {} free units, wanted at most {} for the exact law: use lm",
                          units, kExactUnitsMax));
}

// shift = R b, row by row and in index order.
Matrix shifts(const Matrix& response, const Matrix& bias) {
  const FixedOrderProduct<double> product(response);
  Matrix result(bias.rows, bias.columns);
  for (std::size_t row = 0; row < bias.rows; ++row) {
    product.add(bias.values.data() + row * bias.columns, result.values.data() + row * bias.columns);
  }
  return result;
}

}  // namespace

Tally& Tally::operator+=(const Tally& other) noexcept {
  unit_steps += other.unit_steps;
  clipped += other.clipped;
  proposed += other.proposed;
  accepted += other.accepted;
  return *this;
}

template <class Real>
struct Sampler<Real>::Parts {
  SamplerOptions options;
  std::shared_ptr<const NoiseSource> source;
  std::optional<Field<Real>> field;  // a linear process has none
  Matrix stiffness;                  // M, up to kExactUnitsMax units
  Matrix bias;                       // [1 or chains, units]
  std::vector<Real> real_bias;
  std::unique_ptr<Stepper<Real>> stepper;
  std::size_t units = 0;
  std::vector<Real> state;
  std::uint64_t steps = 0;
  Tally tally;

  [[nodiscard]] Rows<Real> bias_rows() const noexcept {
    return {real_bias.data(), bias.rows == 1 ? 0 : bias.columns};
  }

  Result<void> make_stepper() {
    const Scheme scheme = options.scheme;
    if (scheme == Scheme::kExactOu) {
      CALX_TRY(check_exact(units, field && field->quartic()));
      CALX_ASSIGN(step, exact_step(stiffness, options.dynamics));
      stepper = make_linear_stepper<Real>(step, shifts(step.response, bias));
      return {};
    }
    const Forces<Real> forces{&*field, bias_rows(), options.dynamics};
    if (scheme == Scheme::kLatticeWalk) {
      stepper = make_walk_stepper(forces);
    } else if (scheme == Scheme::kMala) {
      stepper = make_mala_stepper(forces);
    } else {
      if (!options.reference) stepper = make_fused_stepper(scheme, forces);
      if (!stepper) stepper = make_explicit_stepper(scheme, forces);
    }
    return {};
  }

  [[nodiscard]] Result<void> check_noise(std::uint64_t more, bool normal) const {
    // Leimkuhler-Matthews reads the noise of the step after the last one.
    const std::uint64_t ahead = options.scheme == Scheme::kLeimkuhlerMatthews ? 1 : 0;
    if (more > kNoiseStepsMax) {
      return fail(ErrorCode::kResourceExhausted,
                  fmt::format("sampler: {} steps in one call, wanted at most 2^32", more));
    }
    return source->check({.steps = steps + more + ahead,
                          .chains = std::uint64_t{options.chain_first} + options.chains,
                          .units = units,
                          .normal = normal});
  }

  [[nodiscard]] std::size_t lot_chains() const noexcept {
    return std::clamp<std::size_t>(kLotValues / units, 1, kLotChains);
  }

  [[nodiscard]] Lot<Real> lot_of(std::size_t first, std::uint32_t count) noexcept {
    return {.chain_first = options.chain_first + static_cast<std::uint32_t>(first),
            .chains = count,
            .row_first = first,
            .units = units,
            .x = state.data() + first * units,
            .step = steps};
  }

  void run(std::atomic<std::size_t>& next, std::uint64_t more, Workspace<Real>& work) noexcept {
    const std::size_t width = lot_chains();
    for (;;) {
      const std::size_t first = next.fetch_add(width);
      if (first >= options.chains) return;
      const auto count = static_cast<std::uint32_t>(std::min(width, options.chains - first));
      stepper->advance(lot_of(first, count), more, *source, work);
      work.tally.unit_steps += more * count * units;
    }
  }
};

template <class Real>
Sampler<Real>::Sampler(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
template <class Real>
Sampler<Real>::Sampler(Sampler&&) noexcept = default;
template <class Real>
Sampler<Real>& Sampler<Real>::operator=(Sampler&&) noexcept = default;
template <class Real>
Sampler<Real>::~Sampler() = default;

template <class Real>
Result<Sampler<Real>> Sampler<Real>::create(const Substrate& substrate,
                                            const Conditioning& conditioning,
                                            const SamplerOptions& options,
                                            std::shared_ptr<const NoiseSource> source) try {
  CALX_ASSIGN(stiffness, Stiffness::of(substrate));
  CALX_TRY(check_options(options, stiffness.units(), source.get()));
  // One count instead of the largest eigenvalue, which only the refusal needs.
  const double limit = 2 / (options.dynamics.step * options.dynamics.mobility);
  if (stiffness.count_below(limit) < stiffness.units()) {
    CALX_TRY(check_step(options.scheme, options.dynamics, stiffness.spectrum().largest));
  }
  auto parts = std::make_unique<Parts>();
  parts->options = options;
  parts->source = std::move(source);
  parts->units = stiffness.units();
  const auto& field = parts->field.emplace(substrate);
  CALX_ASSIGN(bias, effective_bias(substrate, conditioning, options.chains));
  parts->bias = std::move(bias);
  parts->real_bias.assign(parts->bias.values.begin(), parts->bias.values.end());
  if (!field.finite() ||
      !std::ranges::all_of(parts->real_bias, [](Real b) { return std::isfinite(b); })) {
    return fail(ErrorCode::kInvalidArgument,
                "sampler: a parameter is too large for the precision asked for");
  }
  if (parts->units <= kExactUnitsMax) {
    CALX_ASSIGN(dense, dense_stiffness(substrate));
    parts->stiffness = std::move(dense);
  }
  CALX_TRY(parts->make_stepper());
  parts->state.resize(std::size_t{options.chains} * parts->units);
  return Sampler(std::move(parts));
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("sampler: no memory for {} chains", options.chains));
}

template <class Real>
Result<Sampler<Real>> Sampler<Real>::create(const LinearProcess& process,
                                            const SamplerOptions& options,
                                            std::shared_ptr<const NoiseSource> source) try {
  CALX_TRY(check_options(options, process.drift.rows, source.get()));
  CALX_TRY(check_exact(process.drift.rows, false));
  CALX_ASSIGN(step, exact_step(process, options.dynamics.step));
  auto parts = std::make_unique<Parts>();
  parts->options = options;
  parts->options.scheme = Scheme::kExactOu;
  parts->source = std::move(source);
  parts->units = process.drift.rows;
  parts->stepper = make_linear_stepper<Real>(step, Matrix(1, parts->units));
  parts->state.resize(std::size_t{options.chains} * parts->units);
  return Sampler(std::move(parts));
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("sampler: no memory for {} chains", options.chains));
}

template <class Real>
Result<void> Sampler<Real>::advance(std::uint64_t steps) try {
  Parts& p = *parts_;
  CALX_TRY(p.check_noise(steps, p.options.scheme != Scheme::kLatticeWalk));
  const std::size_t lots = (p.options.chains + p.lot_chains() - 1) / p.lot_chains();
  const std::size_t threads = std::min<std::size_t>(p.options.threads, lots);
  std::vector<Workspace<Real>> work;
  const std::size_t width = std::min<std::size_t>(p.lot_chains(), p.options.chains);
  const std::size_t shares = p.stepper->shares();
  // Fewer lots than threads: the threads share each chain instead, if its scheme can.
  const bool together = lots < p.options.threads && p.units >= kTogetherUnitsMin;
  const std::size_t crew = together ? std::min<std::size_t>(p.options.threads, shares) : threads;
  for (std::size_t t = 0; t < crew; ++t) {
    work.emplace_back(width, p.units, p.field ? p.field->sums() : 0, shares);
  }
  if (together) {
    for (std::uint32_t c = 0; c < p.options.chains && steps > 0; ++c) {
      CALX_TRY(p.stepper->advance_together(p.lot_of(c, 1), steps, *p.source, work));
    }
    p.tally.unit_steps += steps * p.options.chains * p.units;
    p.steps += steps;
    return {};
  }
  std::atomic<std::size_t> next = 0;
  {
    std::vector<std::jthread> helpers;
    for (std::size_t t = 1; t < threads; ++t) {
      helpers.emplace_back([&p, &next, steps, &one = work[t]] { p.run(next, steps, one); });
    }
    p.run(next, steps, work[0]);
  }
  for (const auto& one : work) p.tally += one.tally;
  p.steps += steps;
  return {};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("sampler: no memory for {} threads", parts_->options.threads));
} catch (const std::system_error& error) {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("sampler: no thread could be started ({})", error.what()));
}

template <class Real>
Result<void> Sampler<Real>::start_in_equilibrium() try {
  Parts& p = *parts_;
  if (!p.field) {
    return fail(ErrorCode::kInvalidArgument, "sampler: a linear process has no equilibrium energy");
  }
  CALX_TRY(check_exact(p.units, p.field->quartic()));
  CALX_TRY(p.check_noise(1, true));
  Dynamics forever = p.options.dynamics;
  forever.step = 1e200;
  forever.mobility = 1;
  CALX_ASSIGN(draw, exact_step(p.stiffness, forever));
  const Matrix mean = shifts(draw.response, p.bias);
  const FixedOrderProduct<double> noise(draw.noise);
  std::vector<std::uint32_t> words(p.units);
  std::vector<float> xi(p.units);
  std::vector<double> wide(p.units), x(p.units);
  for (std::uint32_t c = 0; c < p.options.chains; ++c) {
    normals(*p.source,
            {.draw = Draw::kStart,
             .chain_first = p.options.chain_first + c,
             .units = static_cast<std::uint32_t>(p.units)},
            words, xi);
    std::ranges::copy(xi, wide.begin());
    std::copy_n(mean.values.data() + (mean.rows == 1 ? 0 : c * p.units), p.units, x.begin());
    noise.add(wide.data(), x.data());
    std::ranges::transform(x, p.state.begin() + static_cast<std::ptrdiff_t>(c * p.units),
                           [](double value) { return static_cast<Real>(value); });
  }
  return {};
} catch (const std::bad_alloc&) {
  return fail(ErrorCode::kResourceExhausted, "sampler: no memory for a start in equilibrium");
}

template <class Real>
std::span<Real> Sampler<Real>::state() noexcept {
  return parts_->state;
}
template <class Real>
std::span<const Real> Sampler<Real>::state() const noexcept {
  return parts_->state;
}
template <class Real>
std::size_t Sampler<Real>::units() const noexcept {
  return parts_->units;
}
template <class Real>
std::uint32_t Sampler<Real>::chains() const noexcept {
  return parts_->options.chains;
}
template <class Real>
std::uint64_t Sampler<Real>::steps() const noexcept {
  return parts_->steps;
}
template <class Real>
const Tally& Sampler<Real>::tally() const noexcept {
  return parts_->tally;
}
template <class Real>
const NoiseSource& Sampler<Real>::noise() const noexcept {
  return *parts_->source;
}
template <class Real>
Origin Sampler<Real>::origin() const noexcept {
  return combine(parts_->source->origin(), Origin::kSoftware);
}

template <class Real>
Result<void> Sampler<Real>::gradient(std::uint32_t chain, std::span<Real> out) const {
  const Parts& p = *parts_;
  if (!p.field || chain >= p.options.chains || out.size() != p.units) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("sampler: gradient of chain {} into {} values, wanted a chain below {}, "
                    "{} values and an energy",
                    chain, out.size(), p.options.chains, p.units));
  }
  std::vector<Real> scratch(p.field->scratch());
  p.field->gradient(p.state.data() + chain * p.units, p.bias_rows()[chain], out.data(),
                    scratch.data());
  return {};
}

template <class Real>
Result<double> Sampler<Real>::energy(std::uint32_t chain) const {
  const Parts& p = *parts_;
  if (!p.field) return fail(ErrorCode::kInvalidArgument, "sampler: a linear process has no energy");
  std::vector<Real> g(p.units);
  CALX_TRY(gradient(chain, g));
  return p.field->energy(p.state.data() + chain * p.units, p.bias_rows()[chain], g.data());
}

template class Sampler<float>;
template class Sampler<double>;

}  // namespace calx::thermo
