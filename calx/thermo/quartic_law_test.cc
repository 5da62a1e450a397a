// Goal: quartic energies answer a small force and cross a barrier as their laws say.
// Method: law tests with fixed seeds, 5 standard errors wide. Fluctuation and dissipation: the
// response to a force, by common random numbers, against the loss of correlation without it. A
// double well: the decay of its memory against the Fokker-Planck operator's first eigenvalue,
// solved on a grid, of which Kramers' rate is the limit of high barriers. Each has a negative twin:
// 5 % too much heat.
#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "calx/thermo/certificate.h"
#include "calx/thermo/eigen_view.h"
#include "calx/thermo/sampler.h"

namespace calx::thermo {
namespace {

constexpr std::uint32_t kChains = 4000;
constexpr std::size_t kUnits = 16;
constexpr double kTooHot = 1.05;

Sampler<double> sampler_of(const Substrate& s, Scheme scheme, const Dynamics& dynamics,
                           std::int64_t seed) {
  return Sampler<double>::create(s, {}, {.scheme = scheme, .dynamics = dynamics, .chains = kChains},
                                 philox_noise(noise::Seed::from_integer(seed)))
      .value();
}

Substrate quartic(double j2, double j4) {
  Substrate s;
  s.modules = {{.name = "x", .units = kUnits, .quadratic = {j2}, .quartic = {j4}}};
  return s;
}

// chi(t + dt) - chi(t), the integral of R, against -(C(t + dt) - C(t)) / kT of the same paths:
// sigmas of the difference's mean for each interval. The claimed temperature is 1.
std::vector<double> response_sigmas(double heat) {
  constexpr double kForce = 0.05;
  constexpr int kIntervals = 6, kStepsEach = 10;
  Substrate s = quartic(0.1, 0.05);
  const Dynamics dynamics{.temperature_kt = heat, .step = 0.05};
  auto rest = sampler_of(s, Scheme::kMala, {.temperature_kt = heat, .step = 0.2}, 1);
  EXPECT_TRUE(rest.advance(100));
  auto free = sampler_of(s, Scheme::kHeun, dynamics, 2);
  s.modules[0].bias.assign(kUnits, kForce);
  auto forced = sampler_of(s, Scheme::kHeun, dynamics, 2);
  const std::vector<double> start(rest.state().begin(), rest.state().end());
  std::ranges::copy(start, free.state().begin());
  std::ranges::copy(start, forced.state().begin());
  std::vector<double> sigmas, before = start, moved(start.size());
  for (int k = 0; k < kIntervals; ++k) {
    EXPECT_TRUE(free.advance(kStepsEach));
    EXPECT_TRUE(forced.advance(kStepsEach));
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < start.size(); ++i) {
      const double x = free.state()[i], now = (forced.state()[i] - x) / kForce;
      const double gap = now - moved[i] - start[i] * (before[i] - x);
      sum += gap, squares += gap * gap;
      before[i] = x, moved[i] = now;
    }
    const auto n = static_cast<double>(start.size());
    sigmas.push_back(sum / std::sqrt(squares - sum * sum / n));
  }
  return sigmas;
}

double worst(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

TEST(QuarticLawTest, RespondsAsItFluctuates) { EXPECT_LT(worst(response_sigmas(1)), kSigmaMax); }

TEST(QuarticLawTest, FailsFluctuationAndDissipationWithFivePercentOfHeat) {
  EXPECT_GT(worst(response_sigmas(kTooHot)), kSigmaMax);
}

// How fast E = J2 x^2 + J4 x^4 forgets its side: the first eigenvalue above 0 of the Fokker-Planck
// operator, by jumps between the cells of a grid that keep detailed balance, made symmetric.
double slowest_rate(double j2, double j4, const Dynamics& dynamics) {
  constexpr Eigen::Index kCells = 800;
  const double well = std::sqrt(-j2 / (2 * j4)), far = 2.2 * well, cell = 2 * far / kCells;
  const double jump = dynamics.mobility * dynamics.temperature_kt / (cell * cell);
  const auto energy = [&](Eigen::Index i) {
    const double x = -far + (static_cast<double>(i) + 0.5) * cell;
    return j2 * x * x + j4 * x * x * x * x;
  };
  Eigen::VectorXd out = Eigen::VectorXd::Zero(kCells);
  for (Eigen::Index i = 0; i + 1 < kCells; ++i) {
    const double tilt = (energy(i + 1) - energy(i)) / (2 * dynamics.temperature_kt);
    out(i) += jump * std::exp(-tilt);
    out(i + 1) += jump * std::exp(tilt);
  }
  EigenSolver solver;
  solver.computeFromTridiagonal(out, Eigen::VectorXd::Constant(kCells - 1, -jump),
                                Eigen::EigenvaluesOnly);
  EXPECT_NEAR(solver.eigenvalues()(0), 0, 1e-9 * jump);
  return solver.eigenvalues()(1);
}

// Either way across, so twice the rate of one way: mu sqrt(2) |J2| / pi e^(-J2^2 / (4 J4 kT)).
double kramers_rate(double j2, double j4, const Dynamics& dynamics) {
  return 2 * dynamics.mobility * std::numbers::sqrt2 * std::abs(j2) / std::numbers::pi *
         std::exp(-j2 * j2 / (4 * j4 * dynamics.temperature_kt));
}

TEST(QuarticLawTest, CrossesHighBarriersAtKramersRate) {
  double before = 1;
  for (const double barrier : {3.0, 6.0, 12.0}) {
    const double gap =
        kramers_rate(-1, 1 / (4 * barrier), {}) / slowest_rate(-1, 1 / (4 * barrier), {}) - 1;
    EXPECT_GT(gap, 0);
    EXPECT_LT(gap, before / 1.3);  // falls as kT over the barrier in the end
    before = gap;
  }
  EXPECT_LT(before, 0.05);
}

struct Decay {
  double rate = 0, error = 0;
};

// Chains that begin in the left well; ln of their mean place at two times. Mean places of n walkers
// of variance v have error sqrt(v / n); both times are counted as if they were independent, which
// they are not, so the error is too wide rather than too narrow.
Decay measured_decay(double j2, double j4, const Dynamics& dynamics) {
  auto sampler = sampler_of(quartic(j2, j4), Scheme::kLeimkuhlerMatthews, dynamics, 3);
  for (double& x : sampler.state()) x = -std::sqrt(-j2 / (2 * j4));
  const auto log_mean = [&](double until, double* relative) {
    const auto steps = static_cast<std::uint64_t>(std::llround(until / dynamics.step));
    EXPECT_TRUE(sampler.advance(steps - sampler.steps()));
    double sum = 0, squares = 0;
    for (const double x : sampler.state()) sum += x, squares += x * x;
    const auto n = static_cast<double>(sampler.state().size());
    *relative = std::sqrt(squares - sum * sum / n) / std::abs(sum);
    return std::log(std::abs(sum) / n);
  };
  double early = 0, late = 0;
  const double first = log_mean(4, &early), second = log_mean(24, &late);
  return {(first - second) / 20, std::hypot(early, late) / 20};
}

TEST(QuarticLawTest, CrossesABarrierAtTheRateOfItsFokkerPlanckOperator) {
  const Dynamics dynamics{.step = 0.04};
  const double wanted = slowest_rate(-1, 1.0 / 12, dynamics);
  const Decay good = measured_decay(-1, 1.0 / 12, dynamics);
  EXPECT_NEAR(good.rate, wanted, kSigmaMax * good.error);
  EXPECT_LT(good.error, 0.02 * wanted);
  Dynamics hot = dynamics;
  hot.temperature_kt = kTooHot;  // e^(3 - 3 / 1.05): 15 % faster
  const Decay twin = measured_decay(-1, 1.0 / 12, hot);
  EXPECT_GT(std::abs(twin.rate - wanted), kSigmaMax * twin.error);
}

}  // namespace
}  // namespace calx::thermo
