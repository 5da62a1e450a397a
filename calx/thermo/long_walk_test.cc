// Goal: the lattice random walk on double SHA-256 keeps its law over a thousand million unit-steps,
// with strong couplings and with nearly none.
// Method: law tests: the virial of every unit exactly kT at any step, the covariance of M C + C M -
// h mu offdiag(M C M) = 2 kT I by whitened chi-square at a standard error of at most 0.1 %, from a
// cold start and from one in equilibrium; Euler-Maruyama's law rejected at 5 sigma and more. Every
// hash is counted.
#include <gmock/gmock.h>

#include <cmath>
#include <iostream>
#include <utility>

#include "calx/thermo/example_substrate.h"
#include "calx/thermo/gaussian_judge.h"
#include "calx/thermo/sampler.h"
#include "calx/thermo/sha256d_noise.h"
#include "calx/thermo/stiffness.h"
#include "calx/thermo/virial.h"

namespace calx::thermo {
namespace {

constexpr std::size_t kUnits = 64;
constexpr std::uint32_t kChains = 4096;
// At h = 0.25 one move in 250 is clipped, and the trace stands 0.1 % too high; at 0.1 one in
// 100,000.
constexpr Dynamics kDynamics{.mobility = 1, .temperature_kt = 1, .step = 0.1};
constexpr double kClippedShareMax = 1e-4;

// Eigenvalues 1, but for three directions.
Substrate coupled(std::vector<double> strengths) {
  Substrate s;
  s.modules = {{.name = "x", .units = kUnits, .quadratic = {0.5}}};
  Coupling c{.first = 0, .second = 0, .left = example_matrix(kUnits, 3, 1, 11)};
  for (std::size_t k = 0; k < 3; ++k) {
    double norm = 0;
    for (std::size_t i = 0; i < kUnits; ++i) norm += c.left(i, k) * c.left(i, k);
    for (std::size_t i = 0; i < kUnits; ++i) c.left(i, k) /= std::sqrt(norm);
  }
  c.strength = std::move(strengths);
  s.couplings = {std::move(c)};
  return s;
}

void expect_law(const Substrate& s, bool cold, bool euler_is_far) {
  const Matrix m = dense_stiffness(s).value();
  const auto noise = sha256d_noise("seed003", kChains, kUnits).value();
  auto start = Sampler<float>::create(s, {}, {.dynamics = kDynamics, .chains = kChains},
                                      philox_noise(noise::Seed::from_integer(std::int64_t{3})))
                   .value();
  if (!cold) {
    ASSERT_TRUE(start.start_in_equilibrium());
  }
  auto walk =
      Sampler<float>::create(
          s, {},
          {.scheme = Scheme::kLatticeWalk, .dynamics = kDynamics, .chains = kChains, .threads = 2},
          noise)
          .value();
  std::ranges::copy(start.state(), walk.state().begin());
  const double slowest = Stiffness::of(s).value().spectrum().least;
  const auto tau = static_cast<std::uint64_t>(std::ceil(1 / (slowest * kDynamics.step)));
  ASSERT_TRUE(walk.advance(10 * tau));

  const auto judge_of = [&m](Scheme scheme) {
    return GaussianJudge::create(std::vector<double>(kUnits),
                                 stationary_covariance(scheme, m, kDynamics).value())
        .value();
  };
  auto judge = judge_of(Scheme::kLatticeWalk), euler = judge_of(Scheme::kEulerMaruyama);
  VirialMeter virial(kUnits);
  std::uint64_t snapshots = 0;
  while (walk.tally().unit_steps < 1'000'000'000) {
    ASSERT_TRUE(walk.advance(5 * tau));  // e^-10 of the squares' correlation is left
    ASSERT_TRUE(virial.add(walk));
    for (std::size_t c = 0; c < kChains; ++c) {
      const auto x = std::as_const(walk).state().subspan(c * kUnits, kUnits);
      judge.add(x);
      euler.add(x);
    }
    snapshots += kChains;
  }
  const auto independent = static_cast<double>(snapshots);
  EXPECT_LE(std::sqrt(2 / (independent * kUnits)), 0.001);
  EXPECT_LT(static_cast<double>(walk.tally().clipped),
            kClippedShareMax * static_cast<double>(walk.tally().unit_steps));
  const auto law = judge.judge(independent, false);
  EXPECT_TRUE(law.passed()) << describe(law);
  const auto heat = virial.judge(1, independent);
  EXPECT_TRUE(heat.passed()) << describe(heat);
  if (euler_is_far) {
    EXPECT_GE(std::abs(euler.figures(independent).trace_sigmas), 5);
  }
  EXPECT_EQ(noise->sha256d_calls(), walk.steps() * kChains * kUnits / kDrawsPerDigest);
  std::cout << "unit-steps " << walk.tally().unit_steps << ", SHA-256d calls "
            << noise->sha256d_calls() << ", clipped moves " << walk.tally().clipped
            << ", snapshots " << snapshots << ", trace ratio "
            << judge.figures(independent).trace_ratio << "\n";
}

TEST(LongWalkTest, KeepsItsLawUnderStrongCouplings) {
  expect_law(coupled({1.5, 1.2, -0.5}), true, true);
}

TEST(LongWalkTest, KeepsItsLawFromEquilibriumWithWeakOnes) {
  expect_law(coupled({0.05, -0.03, 0.02}), false, true);
}

}  // namespace
}  // namespace calx::thermo
