// Goal: every scheme samples the law that it claims, and a certificate says so only then.
// Method: law tests on chains of their own (independent snapshots after a burn-in of ten slowest
// relaxation times), judged by certificates; each has its negative twins: too much heat, dropped
// noise, a coupling of the wrong sign, biased noise, Euler-Maruyama at a = 0.5. Seeds are fixed, so
// a test that passes always passes; thresholds are 5 standard errors.
#include <gmock/gmock.h>

#include <cmath>

#include "calx/thermo/autocorrelation.h"
#include "calx/thermo/eigen_view.h"
#include "calx/thermo/example_substrate.h"
#include "calx/thermo/faulty_noise.h"
#include "calx/thermo/gaussian_judge.h"
#include "calx/thermo/heat.h"
#include "calx/thermo/sampler.h"
#include "calx/thermo/sha256d_noise.h"
#include "calx/thermo/validate.h"
#include "calx/thermo/virial.h"

namespace calx::thermo {
namespace {

constexpr double kKt = 0.7;
constexpr std::uint32_t kChains = 4000;

std::shared_ptr<const NoiseSource> source_of(std::int64_t seed) {
  return philox_noise(noise::Seed::from_integer(seed));
}

Dynamics dynamics_of(const Substrate& s, double a) {
  Dynamics d{.mobility = 1.3, .temperature_kt = kKt, .step = 1};
  d.step = a * validate(s, d).value().relaxation.tau_fast;
  return d;
}

std::uint64_t burn_in(const Substrate& s, const Dynamics& d) {
  const double tau_slow = validate(s, d).value().relaxation.tau_slow;
  return static_cast<std::uint64_t>(std::ceil(kBurnInTauMin * tau_slow / d.step));
}

std::vector<double> mean_of(const Substrate& s) {
  const Matrix bias = effective_bias(s, {}, 1).value();
  return Stiffness::of(s).value().solve(bias.values).value();
}

// Snapshots of kChains chains after the burn-in, judged against the law of `claimed` at kT = kKt.
Certificate certify(const Substrate& run, const Substrate& claimed, const SamplerOptions& options,
                    const std::shared_ptr<const NoiseSource>& source) {
  auto sampler = Sampler<float>::create(run, {}, options, source).value();
  EXPECT_TRUE(sampler.advance(burn_in(run, options.dynamics)));
  const Matrix m = dense_stiffness(claimed).value();
  auto judge =
      GaussianJudge::create(mean_of(claimed), equilibrium_covariance(m, kKt).value()).value();
  VirialMeter virial(sampler.units());
  EXPECT_TRUE(virial.add(sampler));
  for (std::size_t c = 0; c < kChains; ++c) {
    judge.add(sampler.state().subspan(c * sampler.units(), sampler.units()));
  }
  Certificate certificate = judge.judge(kChains);
  return certificate += virial.judge(kKt, kChains);
}

SamplerOptions options_of(Scheme scheme, const Substrate& s, double a) {
  return {.scheme = scheme, .dynamics = dynamics_of(s, a), .chains = kChains};
}

TEST(LawTest, HoldsForTheExactSchemes) {
  const Substrate s = example_substrate(16, 3, 2);
  for (const Scheme scheme : {Scheme::kExactOu, Scheme::kLeimkuhlerMatthews, Scheme::kMala}) {
    const auto c = certify(s, s, options_of(scheme, s, 0.4), source_of(1));
    EXPECT_TRUE(c.passed()) << to_string(scheme) << "\n" << describe(c);
    EXPECT_EQ(c.checks.size(), 9u);
  }
}

TEST(LawTest, FailsTheSchemesThatAreNotExact) {
  const Substrate s = example_substrate(16, 3, 2);
  const auto euler = certify(s, s, options_of(Scheme::kEulerMaruyama, s, 0.5), source_of(1));
  EXPECT_TRUE(euler.found("trace")) << describe(euler);
  EXPECT_TRUE(euler.found("divergence")) << describe(euler);
  const auto heun = certify(s, s, options_of(Scheme::kHeun, s, 1.0), source_of(1));
  EXPECT_TRUE(heun.found("trace")) << describe(heun);
}

TEST(LawTest, FailsFivePercentOfHeat) {
  const Substrate s = example_substrate(16, 3, 2);
  SamplerOptions options = options_of(Scheme::kLeimkuhlerMatthews, s, 0.4);
  options.dynamics.temperature_kt *= 1.05;
  const auto c = certify(s, s, options, source_of(1));
  EXPECT_TRUE(c.found("trace")) << describe(c);
  EXPECT_TRUE(c.found("virial")) << describe(c);
}

TEST(LawTest, FailsACouplingOfTheWrongSign) {
  const Substrate s = example_substrate(16, 3, 2);
  Substrate flipped = s;
  for (double& strength : flipped.couplings[0].strength) strength = -strength;
  const auto c = certify(flipped, s, options_of(Scheme::kLeimkuhlerMatthews, s, 0.4), source_of(1));
  EXPECT_TRUE(c.found("frobenius")) << describe(c);
  EXPECT_TRUE(c.found("mean")) << describe(c);
}

TEST(LawTest, FailsFaultyNoise) {
  const Substrate s = example_substrate(16, 3, 2);
  const SamplerOptions options = options_of(Scheme::kLeimkuhlerMatthews, s, 0.4);
  const auto dropped =
      certify(s, s, options, std::make_shared<FaultyNoise>(source_of(1), NoiseFault::kDropped));
  EXPECT_TRUE(dropped.found("trace")) << describe(dropped);
  EXPECT_TRUE(dropped.found("virial of each unit")) << describe(dropped);
  const auto biased =
      certify(s, s, options, std::make_shared<FaultyNoise>(source_of(1), NoiseFault::kBiased));
  EXPECT_TRUE(biased.found("mean")) << describe(biased);
}

// <x^2> = 1.2716 and <x^4> = 3.7284 by quadrature; the discrete schemes at h = 0.2 as the reference
// measured them, Leimkuhler-Matthews 1.2741 and Euler-Maruyama 1.3155.
TEST(LawTest, HoldsForAQuarticEnergy) {
  Substrate s;
  s.modules = {{.name = "x", .units = 8, .quadratic = {0.1}, .quartic = {0.05}}};
  const auto moments = [&s](Scheme scheme, double step) {
    auto sampler =
        Sampler<float>::create(
            s, {}, {.scheme = scheme, .dynamics = {.step = step}, .chains = kChains}, source_of(2))
            .value();
    EXPECT_TRUE(sampler.advance(static_cast<std::uint64_t>(20 / step)));
    std::vector<double> squares;
    double second = 0, fourth = 0, square = 0;
    for (int i = 0; i < 10; ++i) {
      EXPECT_TRUE(sampler.advance(static_cast<std::uint64_t>(4 / step)));
      for (const float x : sampler.state()) {
        const double x2 = double{x} * double{x};
        second += x2;
        fourth += x2 * x2;
        square += x2 * x2;
      }
    }
    const double n = 10.0 * kChains * 8;
    return std::array{second / n, fourth / n, std::sqrt((square / n) / n)};
  };
  const auto mala = moments(Scheme::kMala, 0.2);
  EXPECT_NEAR(mala[0], 1.2716, 5 * mala[2]);
  EXPECT_NEAR(mala[1], 3.7284, 0.08);
  EXPECT_NEAR(moments(Scheme::kLeimkuhlerMatthews, 0.2)[0], 1.2741, 0.02);
  EXPECT_NEAR(moments(Scheme::kEulerMaruyama, 0.2)[0], 1.3155, 0.02);
}

// Strong couplings, so that the walk's covariance and kT M^-1 are far apart.
Substrate strongly_coupled() {
  Substrate s;
  s.modules = {{.name = "x", .units = 16, .quadratic = {0.5}}};
  Coupling c{.first = 0, .second = 0, .left = example_matrix(16, 3, 1, 11)};
  for (std::uint32_t k = 0; k < 3; ++k) {
    double norm = 0;
    for (std::size_t i = 0; i < 16; ++i) norm += c.left(i, k) * c.left(i, k);
    for (std::size_t i = 0; i < 16; ++i) c.left(i, k) /= std::sqrt(norm);
  }
  c.strength = {1.5, 1.2, -0.35};
  s.couplings = {c};
  return s;
}

TEST(LawTest, HoldsForTheLatticeWalkOnSha256d) {
  const Substrate s = strongly_coupled();
  const Matrix m = dense_stiffness(s).value();
  const Dynamics dynamics{.mobility = 1, .temperature_kt = kKt, .step = 0.25};
  const std::uint32_t chains = 2000;
  for (const bool cold : {true, false}) {
    const auto noise = sha256d_noise("seed003", chains, 16).value();
    // Starting in equilibrium takes normal values, which these bits do not give.
    auto start =
        Sampler<double>::create(s, {}, {.dynamics = dynamics, .chains = chains}, source_of(3))
            .value();
    if (!cold) {
      ASSERT_TRUE(start.start_in_equilibrium());
    }
    auto walk =
        Sampler<double>::create(
            s, {}, {.scheme = Scheme::kLatticeWalk, .dynamics = dynamics, .chains = chains}, noise)
            .value();
    std::ranges::copy(start.state(), walk.state().begin());
    ASSERT_TRUE(walk.advance(burn_in(s, dynamics)));

    const std::vector<double> mean(16);
    const auto judge_of = [&](Scheme scheme) {
      return GaussianJudge::create(mean, stationary_covariance(scheme, m, dynamics).value())
          .value();
    };
    auto walks = judge_of(Scheme::kLatticeWalk), equilibrium = judge_of(Scheme::kExactOu);
    auto euler = judge_of(Scheme::kEulerMaruyama);
    VirialMeter virial(16);
    // Snapshots three slowest relaxation times apart keep 5 % of their correlation, and e^-6 of it
    // in the squares that are judged.
    const auto apart = burn_in(s, dynamics) * 3 / 10 + 1;
    for (int i = 0; i < 8; ++i) {
      ASSERT_TRUE(walk.advance(apart));
      ASSERT_TRUE(virial.add(walk));
      for (std::size_t c = 0; c < chains; ++c) {
        const auto x = walk.state().subspan(c * 16, 16);
        for (GaussianJudge* judge : {&walks, &equilibrium, &euler}) {
          judge->add(std::span<const double>(x));
        }
      }
    }
    const double independent = 8.0 * chains * 0.9;
    const auto good = walks.judge(independent, false);
    EXPECT_TRUE(good.passed()) << describe(good);
    const auto exact = virial.judge(kKt, independent);
    EXPECT_TRUE(exact.passed()) << describe(exact);
    EXPECT_TRUE(equilibrium.judge(independent, false).found("frobenius"));
    EXPECT_TRUE(euler.judge(independent, false).found("trace"));
    EXPECT_EQ(noise->sha256d_calls(), walk.steps() * chains);  // 16 draws a digest
    EXPECT_LT(static_cast<double>(walk.tally().clipped),
              0.01 * static_cast<double>(walk.tally().unit_steps));
  }
}

TEST(LawTest, LosesHeatAsASuddenBiasSays) {
  Substrate s = example_substrate(16, 3, 2);
  const Matrix bias = effective_bias(s, {}, 1).value();
  const auto cold = s.modules[1].bias;
  s.modules[1].bias.clear();
  const SamplerOptions options{
      .scheme = Scheme::kLeimkuhlerMatthews, .dynamics = dynamics_of(s, 0.1), .chains = 1000};
  auto start = Sampler<double>::create(s, {}, options, source_of(5)).value();
  ASSERT_TRUE(start.start_in_equilibrium());
  s.modules[1].bias = cold;
  auto sampler = Sampler<double>::create(s, {}, options, source_of(6)).value();
  std::ranges::copy(start.state(), sampler.state().begin());
  auto meter = HeatMeter<double>::begin(sampler).value();
  std::vector<double> before;
  for (std::uint32_t c = 0; c < 1000; ++c) before.push_back(sampler.energy(c).value());
  for (std::uint64_t i = 0; i < burn_in(s, options.dynamics); ++i) {
    ASSERT_TRUE(sampler.advance(1));
    ASSERT_TRUE(meter.observe(sampler));
  }
  double mean = 0, square = 0;
  for (std::uint32_t c = 0; c < 1000; ++c) {
    const double heat = meter.heat()[c];
    EXPECT_NEAR(heat, before[c] - sampler.energy(c).value(), 1e-9);  // quadratic: exact
    mean += heat / 1000;
    square += heat * heat / 1000;
  }
  const double error = std::sqrt((square - mean * mean) / 1000);
  const double wanted = validate(s, options.dynamics).value().signal_kt * kKt;
  EXPECT_NEAR(mean, wanted, kSigmaMax * error);
  EXPECT_GT(wanted, kSigmaMax * error);
}

TEST(LawTest, ForgetsAsFastAsTheLawSays) {
  const Substrate s = example_substrate(16, 3, 2);
  const Matrix m = dense_stiffness(s).value();
  const SamplerOptions options = options_of(Scheme::kExactOu, s, 0.5);
  auto sampler = Sampler<double>::create(s, {}, options, source_of(7)).value();
  ASSERT_TRUE(sampler.start_in_equilibrium());
  const std::vector<double> start(sampler.state().begin(), sampler.state().end());
  ASSERT_TRUE(sampler.advance(3));
  const EigenSolver solver{Eigen::MatrixXd(view(m))};
  const Eigen::VectorXd mean = view(mean_of(s));
  Eigen::VectorXd product = Eigen::VectorXd::Zero(mean.size());
  for (std::size_t c = 0; c < kChains; ++c) {
    const auto row = [&](std::span<const double> x) {
      const Eigen::VectorXd w =
          solver.eigenvectors().transpose() * (view(x.subspan(c * 35, 35)) - mean);
      return Eigen::VectorXd(w.array() * (solver.eigenvalues().array() / kKt).sqrt());
    };
    product.array() += row(start).array() * row(sampler.state()).array();
  }
  for (Eigen::Index i = 0; i < product.size(); ++i) {
    const double kept = std::exp(-1.3 * solver.eigenvalues()(i) * 3 * options.dynamics.step);
    EXPECT_NEAR(product(i) / kChains, kept, kSigmaMax * std::sqrt((1 + kept * kept) / kChains));
  }
}

TEST(LawTest, MeasuresAutocorrelationAndRefusesShortAverages) {
  Substrate s;
  s.modules = {{.name = "x", .units = 1, .quadratic = {0.5}}};
  auto sampler = Sampler<double>::create(
                     s, {}, {.scheme = Scheme::kExactOu, .dynamics = {.step = 0.05}}, source_of(8))
                     .value();
  ASSERT_TRUE(sampler.start_in_equilibrium());
  std::vector<double> series;
  for (int i = 0; i < 40'000; ++i) {
    ASSERT_TRUE(sampler.advance(1));
    series.push_back(sampler.state()[0]);
  }
  const auto average = time_average(series);
  ASSERT_TRUE(average) << average.error().message;
  const double tau = 0.5 / std::tanh(0.025);  // of a chain with rho = e^(-0.05)
  EXPECT_NEAR(average->autocorrelation.tau, tau, 0.15 * tau);
  EXPECT_NEAR(average->mean, 0, kSigmaMax * average->error);
  EXPECT_NEAR(average->error, std::sqrt(2 * tau / 40'000), 0.2 * std::sqrt(2 * tau / 40'000));
  EXPECT_FALSE(time_average(std::span(series).first(600)));
  EXPECT_FALSE(integrated_autocorrelation(std::span(series).first(8)));
  EXPECT_NEAR(r_hat(series, 4).value(), 1, 0.02);
  for (int i = 0; i < 20'000; ++i) series[static_cast<std::size_t>(i)] += 2;
  EXPECT_GT(r_hat(series, 4).value(), 1.3);
  EXPECT_FALSE(r_hat(series, 1));
}

}  // namespace
}  // namespace calx::thermo
