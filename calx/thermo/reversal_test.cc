// Goal: couplings under which a substrate retraces its noising are found, and the heat of a step is
// what its path's probabilities say.
// Method: parity of the cost with sums over single steps and of its gradient with finite
// differences; laws: the minimum has no gradient, trajectories at rest give back their own energy,
// heat against the log ratio of forward and backward paths, whose gap falls with the step as the
// integrator's order says, no coupling to hidden units that are noised independently; faults.
#include "calx/thermo/reversal.h"

#include <gmock/gmock.h>

#include <cmath>

#include "calx/thermo/eigen_view.h"
#include "calx/thermo/example_substrate.h"
#include "calx/thermo/heat.h"
#include "calx/thermo/sampler.h"

namespace calx::thermo {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using testing::HasSubstr;

constexpr Dynamics kDynamics{.mobility = 1.2, .temperature_kt = 0.8, .step = 0.1};

std::shared_ptr<const NoiseSource> source_of(std::int64_t seed) {
  return philox_noise(noise::Seed::from_integer(seed));
}

// Steps of a quartic substrate without couplings, as noising takes them.
ReversalFit example_fit(std::size_t units, std::vector<float>* before, std::vector<float>* after) {
  Substrate free;
  free.modules = {{.name = "x", .units = units, .quadratic = {0.4}, .quartic = {0.05}}};
  auto sampler =
      Sampler<float>::create(
          free, {}, {.scheme = Scheme::kEulerMaruyama, .dynamics = kDynamics, .chains = 300},
          source_of(1))
          .value();
  for (std::uint32_t i = 0; i < sampler.state().size(); ++i) {
    sampler.state()[i] = static_cast<float>(2 * example_value(i / 3) + 0.3);
  }
  before->assign(sampler.state().begin(), sampler.state().end());
  EXPECT_TRUE(sampler.advance(1));
  after->assign(sampler.state().begin(), sampler.state().end());
  auto fit = ReversalFit::create(units, 0.4, 0.05, kDynamics).value();
  EXPECT_TRUE(fit.add(*before, *after));
  return fit;
}

Couplings example_couplings(std::size_t units) {
  return {example_symmetric(units, 0.2, 50), example_matrix(1, units, 0.3, 90).values};
}

TEST(ReversalTest, CostsWhatItsStepsCost) {
  std::vector<float> before, after;
  const auto fit = example_fit(6, &before, &after);
  const Couplings c = example_couplings(6);
  const MatrixXd k = view(c.intra);
  double sum = 0;
  for (std::size_t row = 0; row < 300; ++row) {
    VectorXd x(6), y(6);
    for (std::size_t i = 0; i < 6; ++i) {
      x(static_cast<Eigen::Index>(i)) = before[row * 6 + i];
      y(static_cast<Eigen::Index>(i)) = after[row * 6 + i];
    }
    const VectorXd force = 0.8 * y + 0.2 * VectorXd(y.array().cube()) + k * y - view(c.bias);
    sum += (x - y + 0.12 * force).squaredNorm() / (4 * 0.12 * 0.8);
  }
  EXPECT_NEAR(fit.cost(c), sum / 300, 1e-9 * sum / 300);
}

TEST(ReversalTest, FollowsItsGradient) {
  std::vector<float> before, after;
  const auto fit = example_fit(6, &before, &after);
  Couplings c = example_couplings(6);
  const Couplings g = fit.gradient(c);
  const double h = 1e-3;
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const auto at = [&](double shift) {
        Couplings moved = c;
        moved.intra(i, j) += shift;
        if (i != j) moved.intra(j, i) += shift;
        return fit.cost(moved);
      };
      EXPECT_NEAR((at(h) - at(-h)) / (2 * h), g.intra(i, j), 1e-6);
    }
    const auto at = [&](double shift) {
      Couplings moved = c;
      moved.bias[i] += shift;
      return fit.cost(moved);
    };
    EXPECT_NEAR((at(h) - at(-h)) / (2 * h), g.bias[i], 1e-6);
  }
}

TEST(ReversalTest, FindsTheMinimum) {
  std::vector<float> before, after;
  const auto fit = example_fit(6, &before, &after);
  const Couplings best = fit.best(1e-12).value();
  const Couplings g = fit.gradient(best);
  for (const double value : g.intra.values) EXPECT_NEAR(value, 0, 1e-6);
  for (const double value : g.bias) EXPECT_NEAR(value, 0, 1e-6);
  EXPECT_LT(fit.cost(best), fit.cost(example_couplings(6)));
  EXPECT_LT(fit.cost(best), fit.cost({Matrix(6, 6), std::vector<double>(6)}));
}

// At rest the past looks like the future, so exact steps give (I - e^(-mu M h)) / (mu h) back.
TEST(ReversalTest, GivesBackTheEnergyOfTrajectoriesAtRest) {
  const Substrate s = example_substrate(6, 2);
  const std::size_t n = 15;
  const std::uint32_t chains = 20'000;
  auto sampler = Sampler<float>::create(
                     s, {}, {.scheme = Scheme::kExactOu, .dynamics = kDynamics, .chains = chains},
                     source_of(2))
                     .value();
  ASSERT_TRUE(sampler.start_in_equilibrium());
  auto fit = ReversalFit::create(n, 0, 0, kDynamics).value();
  for (int i = 0; i < 8; ++i) {
    const std::vector<float> before(sampler.state().begin(), sampler.state().end());
    ASSERT_TRUE(sampler.advance(1));
    ASSERT_TRUE(fit.add(before, sampler.state()));
  }
  const Couplings best = fit.best(1e-12).value();
  const MatrixXd propagator =
      view(exact_step(dense_stiffness(s).value(), kDynamics).value().propagator);
  const MatrixXd wanted = (MatrixXd::Identity(15, 15) - propagator) / 0.12;
  // Regression of steps with noise 2 mu kT h on states of variance about kT / lambda.
  const double error = std::sqrt(2 * 2.0 / (0.12 * 8 * chains));
  EXPECT_LT((view(best.intra) - wanted).cwiseAbs().maxCoeff(), 5 * error);
  EXPECT_TRUE(Stiffness::of(fit.substrate(best)));
}

struct HeatGap {
  double step = 0;  // root mean square over chains of one step's kT ln ratio less its heat
  double path = 0;  // the same of a path of duration 0.4
};

// Common random numbers: every step size takes the same standard normal values.
HeatGap heat_gap(double step) {
  Substrate s = example_substrate(6, 2);
  s.modules[0].quartic = {0.1};
  Dynamics dynamics = kDynamics;
  dynamics.step = step;
  constexpr std::uint32_t kMany = 400;
  auto sampler =
      Sampler<double>::create(
          s, {}, {.scheme = Scheme::kEulerMaruyama, .dynamics = dynamics, .chains = kMany},
          source_of(3))
          .value();
  const std::size_t n = sampler.units();
  for (std::uint32_t i = 0; i < sampler.state().size(); ++i) {
    sampler.state()[i] = 1.5 * example_value(i);
  }
  const auto gradients = [&] {
    std::vector<double> g(kMany * n);
    for (std::uint32_t c = 0; c < kMany; ++c) {
      EXPECT_TRUE(sampler.gradient(c, std::span(g).subspan(c * n, n)));
    }
    return g;
  };
  const auto steps = static_cast<int>(std::lround(0.4 / step));
  const std::vector<double> first = gradients();
  std::vector<double> ratio(kMany);
  auto meter = HeatMeter<double>::begin(sampler).value();
  HeatGap gap;
  std::vector<double> g = first;
  for (int k = 0; k < steps; ++k) {
    const std::vector<double> before(sampler.state().begin(), sampler.state().end());
    EXPECT_TRUE(sampler.advance(1));
    EXPECT_TRUE(meter.observe(sampler));
    const std::vector<double> next = gradients();
    for (std::uint32_t c = 0; c < kMany; ++c) {
      const auto row = [&](std::span<const double> all) { return all.subspan(c * n, n); };
      ratio[c] += path_log_ratio(row(before), row(sampler.state()), row(g), row(next), dynamics);
      if (k == 0) gap.step += std::pow(ratio[c] - meter.heat()[c], 2) / kMany;
    }
    g = next;
  }
  for (std::uint32_t c = 0; c < kMany; ++c) {
    double ends = 0;
    for (std::size_t i = c * n; i < (c + 1) * n; ++i) ends += g[i] * g[i] - first[i] * first[i];
    EXPECT_NEAR(ratio[c] - meter.heat()[c], kDynamics.mobility * step / 4 * ends, 1e-9);
    gap.path += std::pow(ratio[c] - meter.heat()[c], 2) / kMany;
  }
  return {std::sqrt(gap.step), std::sqrt(gap.path)};
}

// What a step leaves is of order h^(3/2), and what a whole path leaves of order h.
TEST(ReversalTest, BooksTheHeatThatItsPathsSayToTheIntegratorsOrder) {
  const HeatGap wide = heat_gap(0.004), middle = heat_gap(0.002), narrow = heat_gap(0.001);
  EXPECT_NEAR(wide.step / middle.step, std::pow(2, 1.5), 0.15);
  EXPECT_NEAR(middle.step / narrow.step, std::pow(2, 1.5), 0.1);
  EXPECT_NEAR(wide.path / middle.path, 2, 0.1);
  EXPECT_NEAR(middle.path / narrow.path, 2, 0.1);
}

// One noising step of 4 visible units, which are not at rest, and 3 hidden ones.
Matrix visible_to_hidden(bool tied) {
  constexpr std::size_t kVisible = 4, kUnits = 7;
  constexpr std::uint32_t kMany = 40'000;
  Substrate free;
  free.modules = {{.name = "x", .units = kUnits, .quadratic = {0.5}}};
  auto sampler =
      Sampler<float>::create(
          free, {}, {.scheme = Scheme::kEulerMaruyama, .dynamics = kDynamics, .chains = kMany},
          source_of(4))
          .value();
  EXPECT_TRUE(sampler.start_in_equilibrium());
  for (std::size_t c = 0; c < kMany; ++c) {
    const auto x = sampler.state().subspan(c * kUnits, kUnits);
    for (std::size_t i = 1; i < kVisible; ++i) x[i] = 0.8f * x[0] + 0.2f * x[i] + 0.5f;
    if (tied) x[kVisible] = x[0];
  }
  const std::vector<float> before(sampler.state().begin(), sampler.state().end());
  EXPECT_TRUE(sampler.advance(1));
  auto fit = ReversalFit::create(kUnits, 0.5, 0, kDynamics).value();
  EXPECT_TRUE(fit.add(before, sampler.state()));
  const Couplings best = fit.best(1e-12).value();
  Matrix between(kVisible, kUnits - kVisible);
  for (std::size_t i = 0; i < kVisible; ++i) {
    for (std::size_t j = kVisible; j < kUnits; ++j) {
      between(i, j - kVisible) = best.intra(i, j);
    }
  }
  return between;
}

TEST(ReversalTest, GivesNoCouplingToHiddenUnitsThatAreNoisedIndependently) {
  const auto largest = [](const Matrix& m) { return view(m).cwiseAbs().maxCoeff(); };
  // Regression of steps with noise 2 mu kT h = 0.192 on hidden states of variance about 0.8, and
  // of the hidden units' on visible ones whose least variance is 0.04 * 0.8 plus that noise.
  const double error = std::sqrt(0.192 / 40'000) / 0.12 / std::sqrt(0.2);
  EXPECT_LT(largest(visible_to_hidden(false)), 5 * error);
  EXPECT_GT(largest(visible_to_hidden(true)), 20 * error);  // the twin: a hidden copy
}

TEST(ReversalTest, AddsUpFitsOfSeveralTimes) {
  std::vector<float> before, after;
  const auto whole = example_fit(6, &before, &after);
  auto first = ReversalFit::create(6, 0.4, 0.05, kDynamics).value(), second = first;
  const std::size_t cut = 100 * std::size_t{6};
  ASSERT_TRUE(first.add(std::span(before).first(cut), std::span(after).first(cut)));
  ASSERT_TRUE(second.add(std::span(before).subspan(cut), std::span(after).subspan(cut)));
  ASSERT_TRUE(first.merge(second));
  EXPECT_EQ(first.steps(), 300u);
  const Couplings c = example_couplings(6);
  EXPECT_NEAR(first.cost(c), whole.cost(c), 1e-12 * whole.cost(c));
  EXPECT_FALSE(first.merge(ReversalFit::create(6, 0.4, 0, kDynamics).value()));
}

TEST(ReversalTest, RefusesWhatIsNoStep) {
  EXPECT_FALSE(ReversalFit::create(0, 1, 0, kDynamics));
  EXPECT_FALSE(ReversalFit::create(2, 1, -1, kDynamics));
  auto fit = ReversalFit::create(2, 1, 0, kDynamics).value();
  EXPECT_FALSE(fit.add(std::vector<float>(3), std::vector<float>(3)));
  EXPECT_FALSE(fit.add(std::vector<float>(2), std::vector<float>(4)));
  EXPECT_THAT(fit.add(std::vector<float>(2, NAN), std::vector<float>(2)).error().message,
              HasSubstr("finite"));
  EXPECT_FALSE(fit.best());
}

}  // namespace
}  // namespace calx::thermo
