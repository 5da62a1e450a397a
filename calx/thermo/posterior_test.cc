// Goal: a substrate with bias noisy / sigma^2 holds the posterior of a clean image, and the small
// interface networks have the published counts and learn.
// Method: parity with Bayes' rule written out, for every rank; parity of gradients with finite
// differences; laws of the ledger; faults.
#include "calx/thermo/posterior.h"

#include <gmock/gmock.h>

#include <cmath>

#include "calx/thermo/eigen_view.h"
#include "calx/thermo/exact_law.h"
#include "calx/thermo/example_substrate.h"
#include "calx/thermo/interface_net.h"
#include "calx/thermo/ledger.h"
#include "calx/thermo/stiffness.h"

namespace calx::thermo {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using testing::HasSubstr;

constexpr std::size_t kUnits = 10;

// Rows of a mixture whose last unit never changes.
std::vector<float> example_images() {
  const MatrixXd a = view(example_matrix(kUnits, kUnits, 0.6, 0));
  std::vector<float> x;
  for (std::uint32_t i = 0; i < 500; ++i) {
    VectorXd z(static_cast<Eigen::Index>(kUnits));
    for (std::uint32_t j = 0; j < kUnits; ++j) z(j) = example_value(100 + i * 16 + j);
    VectorXd row = a * z;
    row(9) = -1;
    for (const double value : row) x.push_back(static_cast<float>(value));
  }
  return x;
}

TEST(PosteriorTest, HoldsThePosteriorOfItsPrior) {
  const auto x = example_images();
  const double sigma = 0.5, kt = 0.3;
  for (const std::size_t rank : {0u, 3u, 9u, 10u}) {
    const Prior prior = fit_prior(x, kUnits, rank).value();
    MatrixXd c = prior.floor * MatrixXd::Identity(10, 10);
    if (rank > 0) {
      const MatrixXd u = view(prior.axes);
      c += u * (view(prior.variance).array() - prior.floor).matrix().asDiagonal() * u.transpose();
    }
    const Substrate s = posterior_substrate(prior, sigma, kt).value();
    const std::span noisy(x.data() + 40, 20);
    const Conditioning given = posterior_bias(prior, noisy, sigma, kt).value();
    const Matrix bias = effective_bias(s, given, 2).value();
    const MatrixXd precision = c.inverse() + MatrixXd::Identity(10, 10) / (sigma * sigma);
    const auto stiffness = Stiffness::of(s);
    ASSERT_TRUE(stiffness) << stiffness.error().message;
    for (std::size_t i = 0; i < 2; ++i) {
      VectorXd y(10);
      for (std::size_t j = 0; j < 10; ++j) y(static_cast<Eigen::Index>(j)) = noisy[i * 10 + j];
      const VectorXd wanted =
          precision.ldlt().solve(c.inverse() * view(prior.mean) + y / (sigma * sigma));
      const auto got = stiffness->solve(std::span(bias.values).subspan(i * 10, 10)).value();
      EXPECT_LT((view(got) - wanted).norm(), 1e-9 * wanted.norm()) << rank;
    }
    const MatrixXd law = view(equilibrium_covariance(dense_stiffness(s).value(), kt).value());
    EXPECT_LT((law - precision.inverse()).norm(), 1e-9) << rank;
  }
}

TEST(PosteriorTest, FloorsWhatNeverChanges) {
  const Prior prior = fit_prior(example_images(), kUnits, kUnits, 1e-3).value();
  EXPECT_GE(prior.variance.back(), 1e-3);
  EXPECT_TRUE(std::ranges::is_sorted(prior.variance, std::greater<>()));
}

TEST(PosteriorTest, RefusesWhatHasNoPosterior) {
  const auto x = example_images();
  const Prior prior = fit_prior(x, kUnits, 2).value();
  EXPECT_FALSE(fit_prior(x, kUnits, 11));
  EXPECT_FALSE(fit_prior(x, kUnits, 2, 0));
  EXPECT_FALSE(posterior_substrate(prior, 0, 1));
  EXPECT_FALSE(posterior_substrate(prior, 1, -1));
  EXPECT_FALSE(posterior_bias(prior, std::span(x).first(7), 1, 1));
  Prior broken = prior;
  broken.variance.pop_back();
  EXPECT_THAT(posterior_substrate(broken, 1, 1).error().message, HasSubstr("sizes that fit"));
}

std::shared_ptr<const NoiseSource> source_of() {
  return philox_noise(noise::Seed::from_integer(std::int64_t{12}));
}

TEST(InterfaceNetTest, HasThePublishedCounts) {
  const auto count = [](std::size_t units, bool biases) {
    return InterfaceNet::create(bottleneck_shape(units, biases), source_of()).value().parameters() +
           InterfaceNet::create(transfer_shape(units, biases), source_of()).value().parameters();
  };
  EXPECT_EQ(count(64, false), 2560u);
  EXPECT_EQ(count(64, true), 2708u);
  EXPECT_EQ(count(128, false), 5120u);
  EXPECT_EQ(count(128, true), 5396u);
}

TEST(InterfaceNetTest, FollowsItsGradient) {
  const auto x = example_images();
  const std::span inputs(x.data(), 200), targets(x.data() + 300, 200);
  for (const NetShape& shape : {bottleneck_shape(kUnits, true), transfer_shape(kUnits, true),
                                transfer_shape(kUnits, false)}) {
    auto net = InterfaceNet::create(shape, source_of()).value();
    auto weights = net.weights();
    const auto gradient = net.gradient(inputs, targets);
    ASSERT_EQ(gradient.size(), weights.size());
    for (std::size_t i = 0; i < weights.size(); i += 13) {
      const float at = weights[i], h = 1e-2f;
      weights[i] = at + h;
      ASSERT_TRUE(net.set_weights(weights));
      const double up = net.loss(inputs, targets);
      weights[i] = at - h;
      ASSERT_TRUE(net.set_weights(weights));
      const double down = net.loss(inputs, targets);
      weights[i] = at;
      EXPECT_NEAR((up - down) / (2 * double{h}), gradient[i], 2e-4) << i;
    }
  }
}

TEST(InterfaceNetTest, LearnsALinearMapAndRepeatsItself) {
  const auto x = example_images();
  std::vector<float> target(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) target[i] = 2 * x[i - i % 10] - 0.5f;  // rank 1
  const FitOptions options{.steps = 600, .batch = 64, .rate_first = 1e-2, .rate_last = 1e-4};
  auto net = InterfaceNet::create(bottleneck_shape(kUnits, true), source_of()).value();
  const double before = net.loss(x, target);
  const double after = net.fit(x, target, options).value();
  EXPECT_LT(after, 0.01 * before);
  auto again = InterfaceNet::create(bottleneck_shape(kUnits, true), source_of()).value();
  EXPECT_EQ(again.fit(x, target, options).value(), after);
}

TEST(InterfaceNetTest, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(InterfaceNet::create({.in = 0, .hidden = 1, .out = 1}, source_of()));
  EXPECT_FALSE(InterfaceNet::create(transfer_shape(4, true), nullptr));
  auto net = InterfaceNet::create(transfer_shape(4, true), source_of()).value();
  const std::vector<float> x(12);
  EXPECT_FALSE(net.fit(x, std::span(x).first(8), {}));
  EXPECT_FALSE(net.fit(x, x, {.rate_first = 0}));
  EXPECT_FALSE(net.set_weights(x));
}

// The worked example of the reference, section 9: one stage C image at Z1 prices.
Effort one_image() { return {.dac_writes = 65'536, .adc_reads = 65'536, .same_map_macs = 2.1e6}; }

TEST(LedgerTest, BooksTheWorkedExample) {
  const Comparison c = compare(one_image());
  EXPECT_NEAR(c.substrate.lines()[0].count * *c.substrate.lines()[0].price.joules, 10.1e-6, 5e-8);
  EXPECT_NEAR(c.substrate.lines()[1].count * *c.substrate.lines()[1].price.joules, 0.11e-6, 1e-8);
  EXPECT_NEAR(c.same_map.total_j().value(), 2.1e-6, 1e-12);
  EXPECT_NEAR(c.substrate.total_j().value() / c.same_map.total_j().value(), 4.85, 0.05);
  EXPECT_NEAR(c.substrate.break_even_j(0, c.same_map.total_j().value()).value(), 30e-12, 1e-12);
}

TEST(LedgerTest, GivesNoNumberWithoutAPrice) {
  Effort effort = one_image();
  effort.standby_s = 1e-3;
  const Comparison c = compare(effort);
  EXPECT_FALSE(c.substrate.total_j());
  EXPECT_FALSE(c.substrate.break_even_j(0, 1));
  EXPECT_NEAR(c.substrate.stated_j(), 10.18e-6, 1e-8);
  EXPECT_THAT(describe(c.substrate), HasSubstr("no total: a price is unstated"));
  EXPECT_THAT(describe(c.same_map), HasSubstr("total 2.1e-06 J"));
}

TEST(LedgerTest, NamesTheSourceOfEveryPrice) {
  for (const Price& price : prices()) {
    EXPECT_FALSE(price.source.empty());
    EXPECT_EQ(price.joules.has_value(), price.standing != Standing::kUnstated) << price.name;
    EXPECT_EQ(find_price(price.name).value().source, price.source);
  }
  EXPECT_THAT(find_price("free lunch").error().message, HasSubstr("z1 write"));
}

TEST(LedgerTest, KnowsNoBreakEvenWithoutOne) {
  const Comparison c = compare(one_image());
  EXPECT_FALSE(c.substrate.break_even_j(0, 0.01e-6));  // the reads alone cost more
  EXPECT_FALSE(c.substrate.break_even_j(2, 1));        // nothing is programmed
  EXPECT_FALSE(c.substrate.break_even_j(99, 1));
}

}  // namespace
}  // namespace calx::thermo
