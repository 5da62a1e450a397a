// Goal: a chain is one sequence of bits, however a run is cut up, and each step is the step that
// its formula says. Method: parity (threads, batches, calls, float against double, force against
// matrix product); laws without statistics (one step against the closed form on the same noise, the
// response to a force by common random numbers); faults.
#include "calx/thermo/sampler.h"

#include <gmock/gmock.h>

#include <cmath>

#include "calx/thermo/eigen_view.h"
#include "calx/thermo/example_substrate.h"
#include "calx/thermo/field.h"
#include "calx/thermo/sha256d_noise.h"

namespace calx::thermo {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using testing::HasSubstr;

const noise::Seed kSeed = noise::Seed::from_integer(std::int64_t{4});

template <class Real>
Sampler<Real> sampler_of(const Substrate& s, const SamplerOptions& options,
                         const Conditioning& conditioning = {}) {
  auto sampler = Sampler<Real>::create(s, conditioning, options, philox_noise(kSeed));
  EXPECT_TRUE(sampler) << sampler.error().message;
  return std::move(*sampler);
}

// A bias for each chain, as when each chain is given another input.
Conditioning example_conditioning(std::size_t chains, std::size_t units) {
  return {.clamps = {}, .bias = example_matrix(chains, units, 1, 77)};
}

template <class Real>
void expect_one_sequence(Scheme scheme) {
  const Substrate s = example_substrate(20, 3, 2);
  const std::uint32_t chains = 37;
  const Conditioning conditioning = example_conditioning(chains, 43);
  SamplerOptions options{.scheme = scheme, .dynamics = {.step = 0.2}, .chains = chains};
  auto whole = sampler_of<Real>(s, options, conditioning);
  ASSERT_TRUE(whole.advance(12));
  const std::vector<Real> wanted(whole.state().begin(), whole.state().end());

  options.threads = 3;
  auto threaded = sampler_of<Real>(s, options, conditioning);
  ASSERT_TRUE(threaded.advance(5));
  ASSERT_TRUE(threaded.advance(0));
  ASSERT_TRUE(threaded.advance(7));
  EXPECT_TRUE(std::ranges::equal(threaded.state(), wanted)) << to_string(scheme);
  EXPECT_EQ(threaded.tally(), whole.tally());

  options.chain_first = 18;
  options.chains = 7;
  Conditioning part{.clamps = {}, .bias = Matrix(7, 43)};
  std::copy_n(conditioning.bias.values.begin() + 18 * 43, 7 * 43, part.bias.values.begin());
  auto batch = sampler_of<Real>(s, options, part);
  ASSERT_TRUE(batch.advance(12));
  EXPECT_TRUE(std::ranges::equal(batch.state(), std::span(wanted).subspan(18 * 43, 7 * 43)))
      << to_string(scheme);
}

TEST(SamplerTest, GivesTheSameBitsForAnyThreadsBatchesAndCalls) {
  for (const Scheme scheme : schemes()) {
    expect_one_sequence<float>(scheme);
    expect_one_sequence<double>(scheme);
  }
}

TEST(SamplerTest, FollowsTheGradientOfItsEnergy) {
  Substrate s = example_substrate(20, 3, 2);
  s.modules[1].quartic = {0.3};
  auto sampler = sampler_of<double>(s, {.scheme = Scheme::kEulerMaruyama});
  for (std::uint32_t i = 0; i < 43; ++i) sampler.state()[i] = example_value(i);
  std::vector<double> g(43);
  ASSERT_TRUE(sampler.gradient(0, g));
  const double e = sampler.energy(0).value();
  const MatrixXd m = view(dense_stiffness(s).value());
  for (std::size_t i = 0; i < 43; i += 6) {
    const double at = sampler.state()[i], h = 1e-4;
    sampler.state()[i] = at + h;
    const double up = sampler.energy(0).value();
    sampler.state()[i] = at - h;
    const double down = sampler.energy(0).value();
    sampler.state()[i] = at;
    EXPECT_NEAR((up - down) / (2 * h), g[i], 1e-7);
  }
  const Eigen::Map<const VectorXd> x(sampler.state().data(), 43);
  double wanted = 0.5 * x.dot(m * x);
  for (std::uint32_t i = 0; i < 23; ++i) {
    wanted += 0.3 * std::pow(x(20 + i), 4) - s.modules[1].bias[i] * x(20 + i);
  }
  EXPECT_NEAR(e, wanted, 1e-12);
}

// Three chunks of units and a rank over one register: the low-rank product against Eigen's.
TEST(SamplerTest, SumsOverChunksAsTheMatrixDoes) {
  const std::size_t n = 2 * kChunkUnits + 1000, rank = 19;
  Substrate s;
  s.modules = {{.name = "x", .units = n, .quadratic = {1.0}}};
  s.couplings = {{.first = 0, .second = 0, .left = example_matrix(n, rank, 0.02, 3)}};
  auto sampler = sampler_of<double>(s, {.scheme = Scheme::kLeimkuhlerMatthews});
  for (std::uint32_t i = 0; i < n; ++i) sampler.state()[i] = example_value(i);
  std::vector<double> g(n);
  ASSERT_TRUE(sampler.gradient(0, g));
  const MatrixXd u = view(s.couplings[0].left);
  const Eigen::Map<const VectorXd> x(sampler.state().data(), static_cast<Eigen::Index>(n));
  const VectorXd wanted = 2 * x + u * (u.transpose() * x);
  EXPECT_LT((view(g) - wanted).norm(), 1e-12 * wanted.norm());
}

TEST(SamplerTest, TakesTheStepOfTheClosedForm) {
  const Substrate s = example_substrate(12, 3);
  const Matrix m = dense_stiffness(s).value();
  const Dynamics dynamics{.mobility = 1.3, .temperature_kt = 0.7, .step = 0.2};
  const double noise = std::sqrt(2 * 1.3 * 0.7 * 0.2);
  const auto n = static_cast<Eigen::Index>(m.rows);
  const MatrixXd identity = MatrixXd::Identity(n, n), stiffness = view(m);
  for (const Scheme scheme :
       {Scheme::kExactOu, Scheme::kEulerMaruyama, Scheme::kHeun, Scheme::kLeimkuhlerMatthews}) {
    auto sampler = sampler_of<double>(s, {.scheme = scheme, .dynamics = dynamics});
    VectorXd x(n), b = VectorXd::Zero(n);
    for (Eigen::Index i = 0; i < n; ++i) {
      sampler.state()[static_cast<std::size_t>(i)] = x(i) = example_value(static_cast<unsigned>(i));
    }
    b.tail(15) = view(s.modules[1].bias);
    std::vector<std::uint32_t> words(m.rows);
    std::vector<float> first(m.rows), second(m.rows);
    const auto units = static_cast<std::uint32_t>(m.rows);
    normals(sampler.noise(), {.step = 0, .units = units}, words, first);
    normals(sampler.noise(), {.step = 1, .units = units}, words, second);
    const VectorXd xi = Eigen::Map<Eigen::VectorXf>(first.data(), n).cast<double>();
    const VectorXd next = Eigen::Map<Eigen::VectorXf>(second.data(), n).cast<double>();
    const VectorXd z = stiffness.ldlt().solve(b);
    const OneStep law = one_step_law(scheme, m, dynamics).value();
    VectorXd wanted = z + view(law.propagator) * (x - z);
    if (scheme == Scheme::kExactOu) {
      wanted += view(exact_step(m, dynamics).value().noise) * xi;
    } else if (scheme == Scheme::kHeun) {
      wanted += noise * (identity - 0.5 * 0.2 * 1.3 * stiffness) * xi;
    } else if (scheme == Scheme::kEulerMaruyama) {
      wanted += noise * xi;
    } else {
      wanted += noise * (xi + next) / 2;
    }
    ASSERT_TRUE(sampler.advance(1));
    EXPECT_LT(
        (Eigen::Map<const VectorXd>(sampler.state().data(), n) - wanted).cwiseAbs().maxCoeff(),
        1e-12)
        << to_string(scheme);
  }
}

TEST(SamplerTest, RespondsToAForceAsTheLawSays) {
  const Substrate s = example_substrate(12, 3);
  const std::size_t n = 27;
  const MatrixXd m = view(dense_stiffness(s).value());
  const Matrix force = example_matrix(1, n, 1, 500);
  const SamplerOptions options{.scheme = Scheme::kEulerMaruyama, .dynamics = {.step = 0.1}};
  auto without = sampler_of<double>(s, options);
  auto with = sampler_of<double>(s, options, {.clamps = {}, .bias = force});
  ASSERT_TRUE(without.advance(300));
  ASSERT_TRUE(with.advance(300));
  const MatrixXd identity = MatrixXd::Identity(27, 27);
  MatrixXd power = identity;
  for (int i = 0; i < 300; ++i) power = power * (identity - 0.1 * m);
  const VectorXd wanted = m.ldlt().solve((identity - power) * view(force.values));
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_NEAR(with.state()[i] - without.state()[i], wanted(static_cast<Eigen::Index>(i)), 1e-12);
  }
}

TEST(SamplerTest, FeelsClampedUnitsAsABias) {
  Substrate s = example_substrate(20, 3);
  s.modules[0].clamped = true;
  const Matrix clamps = example_matrix(5, 20, 1, 40);
  const Matrix bias = effective_bias(s, {.clamps = clamps, .bias = {}}, 5).value();
  const MatrixXd p = view(s.couplings[0].left), q = view(s.couplings[0].right);
  for (Eigen::Index chain = 0; chain < 5; ++chain) {
    const VectorXd x = view(clamps).row(chain);
    const VectorXd wanted = view(s.modules[1].bias) - 1.5 * q * (p.transpose() * x);
    EXPECT_LT((view(bias).row(chain).transpose() - wanted).norm(), 1e-12);
  }
}

TEST(SamplerTest, AgreesInFloatWithDouble) {
  const Substrate s = example_substrate(20, 3, 2);
  for (const Scheme scheme : {Scheme::kExactOu, Scheme::kLeimkuhlerMatthews, Scheme::kHeun}) {
    const SamplerOptions options{.scheme = scheme, .dynamics = {.step = 0.2}, .chains = 4};
    auto narrow = sampler_of<float>(s, options);
    auto wide = sampler_of<double>(s, options);
    ASSERT_TRUE(narrow.advance(200));
    ASSERT_TRUE(wide.advance(200));
    for (std::size_t i = 0; i < wide.state().size(); ++i) {
      EXPECT_NEAR(narrow.state()[i], wide.state()[i], 2e-5) << to_string(scheme);
    }
  }
}

TEST(SamplerTest, CountsMovesAndClippedDrifts) {
  const Substrate s = example_substrate(20, 3);
  auto walk = sampler_of<double>(s, {.scheme = Scheme::kLatticeWalk, .dynamics = {.step = 0.1}});
  walk.state()[0] = 1000;
  ASSERT_TRUE(walk.advance(1));
  EXPECT_GE(walk.tally().clipped, 1u);
  EXPECT_NEAR(walk.state()[0], 1000 - std::sqrt(0.2), 1e-12);  // all it can do is go down
  EXPECT_EQ(walk.tally().unit_steps, 43u);
  auto mala = sampler_of<double>(s, {.scheme = Scheme::kMala, .dynamics = {.step = 0.1}});
  ASSERT_TRUE(mala.advance(100));
  EXPECT_EQ(mala.tally().proposed, 100u);
  EXPECT_GT(mala.tally().accepted, 50u);
  EXPECT_LT(mala.tally().accepted, 100u);
}

TEST(SamplerTest, RefusesWhatCannotRun) {
  const Substrate s = example_substrate(20, 3);
  const auto source = philox_noise(kSeed);
  const auto refusal = [&](const Substrate& substrate, const SamplerOptions& options,
                           const Conditioning& conditioning = {}) {
    const auto made = Sampler<float>::create(substrate, conditioning, options, source);
    return made ? std::string("accepted") : made.error().message;
  };
  EXPECT_EQ(refusal(s, {}), "accepted");
  EXPECT_THAT(refusal(s, {.scheme = Scheme::kEulerMaruyama, .dynamics = {.step = 5}}),
              HasSubstr("wanted below 2"));
  EXPECT_THAT(refusal(s, {.dynamics = {.temperature_kt = -1}}), HasSubstr("temperature"));
  EXPECT_THAT(refusal(s, {.chains = 0}), HasSubstr("0 chains"));
  EXPECT_THAT(refusal(s, {.threads = 0}), HasSubstr("0 threads"));
  EXPECT_THAT(refusal(s, {.chains = 5}, example_conditioning(4, 43)),
              HasSubstr("bias of shape [4, 43], wanted [1 or 5, 43]"));
  Substrate quartic = s;
  quartic.modules[0].quartic = {0.1};
  EXPECT_THAT(refusal(quartic, {.scheme = Scheme::kExactOu}), HasSubstr("J4 is not 0"));
  Substrate large = s;
  large.modules[1].bias[0] = 1e300;
  EXPECT_THAT(refusal(large, {}), HasSubstr("too large for the precision"));
  Substrate clamped = s;
  clamped.modules[0].clamped = true;
  EXPECT_THAT(refusal(clamped, {}), HasSubstr("clamps of shape [0, 0], wanted [1 or 1, 20]"));
  Substrate wide;
  wide.modules = {{.name = "x", .units = kExactUnitsMax + 1, .quadratic = {1.0}}};
  EXPECT_THAT(refusal(wide, {}), HasSubstr("use lm"));
  EXPECT_FALSE(Sampler<float>::create(s, {}, {}, nullptr));
}

TEST(SamplerTest, LeavesItsStateWhenTheNoiseEnds) {
  const Substrate s = example_substrate(20, 3);
  const auto log = log_noise({std::vector<std::uint8_t>(3 * 96, 0x5a)}, 1, 43).value();
  auto sampler = Sampler<float>::create(
      s, {}, {.scheme = Scheme::kLatticeWalk, .dynamics = {.step = 0.1}}, log);
  ASSERT_TRUE(sampler);
  EXPECT_EQ(sampler->origin(), Origin::kModelled);
  ASSERT_TRUE(sampler->advance(2));
  const std::vector<float> before(sampler->state().begin(), sampler->state().end());
  EXPECT_FALSE(sampler->advance(2));
  EXPECT_TRUE(std::ranges::equal(sampler->state(), before));
  EXPECT_TRUE(sampler->advance(1));
  const auto normal = Sampler<float>::create(s, {}, {}, log).value().advance(1);
  EXPECT_THAT(normal.error().message, HasSubstr("lattice random walk"));
}

}  // namespace
}  // namespace calx::thermo
