#include "calx/inference/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "calx/base/assert.h"
#include "calx/thermo/exact_law.h"
#include "calx/thermo/heat.h"
#include "calx/thermo/moments.h"
#include "calx/thermo/noise_source.h"
#include "calx/thermo/sampler.h"

namespace calx::inference {
namespace {

using Chains = thermo::Sampler<float>;

constexpr int kDigitBorder = 2;

Result<std::shared_ptr<const thermo::NoiseSource>> noise_of(const noise::Seed& seed,
                                                            const std::string& purpose) {
  CALX_ASSIGN(derived, noise::Seed::from_text(fmt::format("{}/{}", seed.to_string(), purpose)));
  return thermo::philox_noise(derived);
}

thermo::Dynamics dynamics_of(const Noising& noising) { return {.step = noising.step}; }

thermo::Substrate free_units(const Noising& noising, std::size_t units) {
  thermo::Substrate s;
  s.modules = {
      {.name = "image", .units = units, .quadratic = {noising.j2}, .quartic = {noising.j4}}};
  return s;
}

Result<void> check(const Noising& noising) {
  if (noising.periods > 0 && noising.steps > 0 && noising.steps % noising.periods == 0) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("generator: {} steps in {} periods, wanted equal whole periods",
                          noising.steps, noising.periods));
}

Result<void> check_stop(const std::stop_token& stop) {
  if (!stop.stop_requested()) return {};
  return fail(ErrorCode::kCancelled, "generator: stopped; a run takes minutes and starts anew");
}

thermo::Moments moments_of(std::span<const float> pictures, std::size_t units) {
  thermo::Moments moments(units);
  for (std::size_t i = 0; i < pictures.size(); i += units) moments.add(pictures.subspan(i, units));
  return moments;
}

// Chains first .. first + count - 1 of a run, from rest through all times.
class Descent {
 public:
  Descent(const Noising& noising, const GeneratorTask& task) : noising_(noising), task_(task) {}

  Result<void> start(std::size_t units, std::uint32_t first, std::uint32_t count) {
    first_ = first;
    count_ = count;
    CALX_ASSIGN(chains, chains_of(free_units(noising_, units), "rest"));
    if (noising_.j4 > 0) {
      CALX_TRY(chains.advance(2 * noising_.steps));
    } else {
      CALX_TRY(chains.start_in_equilibrium());
    }
    state_.assign(chains.state().begin(), chains.state().end());
    heat_.assign(count, 0);
    return {};
  }

  Result<void> pass(const thermo::Substrate& substrate, std::size_t time, std::uint64_t steps,
                    bool metered) {
    CALX_TRY(check_stop(task_.stop));
    CALX_ASSIGN(chains, chains_of(substrate, fmt::format("time {}", time)));
    std::ranges::copy(state_, chains.state().begin());
    if (metered) {
      CALX_ASSIGN(meter, thermo::HeatMeter<float>::begin(chains));
      for (std::uint64_t i = 0; i < steps; ++i) {
        CALX_TRY(chains.advance(1));
        CALX_TRY(meter.observe(chains));
      }
      std::ranges::transform(heat_, meter.heat(), heat_.begin(), std::plus{});
    } else {
      CALX_TRY(chains.advance(steps));
    }
    state_.assign(chains.state().begin(), chains.state().end());
    return {};
  }

  [[nodiscard]] const std::vector<float>& state() const noexcept { return state_; }
  [[nodiscard]] const std::vector<double>& heat() const noexcept { return heat_; }

 private:
  Result<Chains> chains_of(const thermo::Substrate& substrate, const std::string& purpose) {
    CALX_ASSIGN(source, noise_of(task_.seed, noising_.name + "/" + purpose));
    return Chains::create(substrate, {},
                          {.scheme = thermo::Scheme::kEulerMaruyama,
                           .dynamics = dynamics_of(noising_),
                           .chains = count_,
                           .chain_first = first_,
                           .threads = task_.threads},
                          source);
  }

  const Noising& noising_;
  const GeneratorTask& task_;
  std::uint32_t first_ = 0, count_ = 0;
  std::vector<float> state_;
  std::vector<double> heat_;
};

}  // namespace

std::vector<float> small_pictures(const diffusion::DigitSet& digits, std::size_t count) {
  constexpr int kSide = diffusion::kDigitSide;
  std::vector<float> small;
  const std::size_t taken = std::min(count, digits.size());
  small.reserve(taken * kSmallUnits);
  for (std::size_t n = 0; n < taken; ++n) {
    const auto picture = digits.picture(n * digits.size() / taken);
    const auto at = [&picture](int row, int column) {
      return picture[static_cast<std::size_t>((row + kDigitBorder) * kSide + column +
                                              kDigitBorder)];
    };
    for (int row = 0; row < 2 * kSmallSide; row += 2) {
      for (int column = 0; column < 2 * kSmallSide; column += 2) {
        small.push_back((at(row, column) + at(row, column + 1) + at(row + 1, column) +
                         at(row + 1, column + 1)) /
                        4);
      }
    }
  }
  return small;
}

std::vector<std::uint8_t> judged_pictures(std::span<const float> pictures) {
  constexpr int kSide = diffusion::kDigitSide;
  CALX_ASSERT(pictures.size() % kSmallUnits == 0);
  const std::size_t count = pictures.size() / kSmallUnits;
  std::vector<std::uint8_t> grey(count * kSide * kSide);
  for (std::size_t n = 0; n < count; ++n) {
    const auto small = pictures.subspan(n * kSmallUnits, kSmallUnits);
    for (int row = kDigitBorder; row < kSide - kDigitBorder; ++row) {
      for (int column = kDigitBorder; column < kSide - kDigitBorder; ++column) {
        const auto from = static_cast<std::size_t>((row - kDigitBorder) / 2 * kSmallSide +
                                                   (column - kDigitBorder) / 2);
        const float value = std::clamp(small[from], -1.0F, 1.0F);
        grey[n * kSide * kSide + static_cast<std::size_t>(row * kSide + column)] =
            static_cast<std::uint8_t>(std::lround(127.5F * (value + 1)));
      }
    }
  }
  return grey;
}

Result<std::vector<thermo::ReversalFit>> noise_pictures(std::span<const float> pictures,
                                                        std::size_t units, const Noising& noising,
                                                        const GeneratorTask& task) {
  CALX_TRY(check(noising));
  if (units == 0 || pictures.empty() || pictures.size() % units != 0) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("generator: {} values, wanted whole pictures of {}", pictures.size(), units));
  }
  CALX_ASSIGN(source, noise_of(task.seed, noising.name + "/noising"));
  CALX_ASSIGN(chains, Chains::create(free_units(noising, units), {},
                                     {.scheme = thermo::Scheme::kEulerMaruyama,
                                      .dynamics = dynamics_of(noising),
                                      .chains = static_cast<std::uint32_t>(pictures.size() / units),
                                      .threads = task.threads},
                                     source));
  std::ranges::copy(pictures, chains.state().begin());
  std::vector<thermo::ReversalFit> fits;
  std::vector<float> before(pictures.begin(), pictures.end());
  for (std::size_t period = 0; period < noising.periods; ++period) {
    CALX_ASSIGN(fit,
                thermo::ReversalFit::create(units, noising.j2, noising.j4, dynamics_of(noising)));
    for (std::uint64_t i = 0; i < noising.steps / noising.periods; ++i) {
      CALX_TRY(check_stop(task.stop));
      CALX_TRY(chains.advance(1));
      CALX_TRY(fit.add(before, chains.state()));
      std::ranges::copy(chains.state(), before.begin());
    }
    fits.push_back(std::move(fit));
  }
  return fits;
}

Result<std::vector<thermo::Substrate>> reversed_substrates(
    std::span<const thermo::ReversalFit> fits, std::size_t sets) {
  if (sets == 0 || fits.empty() || fits.size() % sets != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("generator: {} sets of couplings of {} periods, wanted a divisor", sets,
                            fits.size()));
  }
  std::vector<thermo::Substrate> substrates;
  const std::size_t each = fits.size() / sets;
  for (std::size_t first = 0; first < fits.size(); first += each) {
    thermo::ReversalFit fit = fits[first];
    for (std::size_t i = 1; i < each; ++i) {
      CALX_TRY(fit.merge(fits[first + i]));
    }
    CALX_ASSIGN(best, fit.best());
    substrates.push_back(fit.substrate(best));
  }
  return substrates;
}

Result<Generated> generate(std::span<const thermo::Substrate> substrates, const Noising& noising,
                           std::size_t count, std::size_t metered, const GeneratorTask& task) {
  CALX_TRY(check(noising));
  if (substrates.empty() || substrates[0].modules.empty() || count == 0 || metered > count ||
      noising.steps % substrates.size() != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("generator: {} pictures, {} metered, of {} substrates, wanted some, no "
                            "more metered than made, and a divisor of {} steps",
                            count, metered, substrates.size(), noising.steps));
  }
  Generated made;
  made.metered = metered;
  const std::uint64_t steps = noising.steps / substrates.size();
  double sum = 0, squares = 0;
  for (const bool heat : {true, false}) {
    const std::size_t some = heat ? metered : count - metered;
    if (some == 0) continue;
    Descent descent(noising, task);
    CALX_TRY(descent.start(substrates[0].modules[0].units,
                           static_cast<std::uint32_t>(heat ? 0 : metered),
                           static_cast<std::uint32_t>(some)));
    for (std::size_t time = substrates.size(); time-- > 0;) {
      CALX_TRY(descent.pass(substrates[time], time, steps, heat));
    }
    made.pictures.insert(made.pictures.end(), descent.state().begin(), descent.state().end());
    for (const double one : descent.heat()) sum += one, squares += one * one;
  }
  if (metered > 1) {
    const auto n = static_cast<double>(metered);
    made.heat = sum / n;
    made.heat_error = std::sqrt((squares / n - made.heat * made.heat) / (n - 1));
  }
  return made;
}

Result<std::vector<float>> gaussian_draws(std::span<const float> pictures, std::size_t units,
                                          std::size_t count, const noise::Seed& seed) {
  if (units == 0 || pictures.empty() || pictures.size() % units != 0) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("generator: {} values, wanted whole pictures of {}", pictures.size(), units));
  }
  const thermo::Moments moments = moments_of(pictures, units);
  CALX_ASSIGN(root, thermo::square_root(moments.covariance()));
  CALX_ASSIGN(source, noise_of(seed, "gaussian"));
  std::vector<std::uint32_t> words(units);
  std::vector<float> normal(units), out(count * units);
  for (std::size_t n = 0; n < count; ++n) {
    thermo::normals(*source,
                    {.draw = thermo::Draw::kStart,
                     .chain_first = static_cast<std::uint32_t>(n),
                     .units = static_cast<std::uint32_t>(units)},
                    words, normal);
    for (std::size_t i = 0; i < units; ++i) {
      double value = moments.mean()[i];
      for (std::size_t j = 0; j < units; ++j) value += root(i, j) * double{normal[j]};
      out[n * units + i] = static_cast<float>(value);
    }
  }
  return out;
}

MomentGap moment_gap(std::span<const float> made, std::span<const float> real, std::size_t units) {
  const thermo::Moments a = moments_of(made, units), b = moments_of(real, units);
  const auto gap = [](const std::vector<double>& left, const std::vector<double>& right) {
    double difference = 0, power = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      difference += (left[i] - right[i]) * (left[i] - right[i]);
      power += right[i] * right[i];
    }
    return std::sqrt(difference / power);
  };
  return {gap(a.mean(), b.mean()), gap(a.covariance().values, b.covariance().values)};
}

}  // namespace calx::inference
