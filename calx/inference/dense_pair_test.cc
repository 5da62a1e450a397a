// Goal: the dense algebra of two coupled modules is M, its inverse and its exact law. Method: a
// pair of two units worked by hand, the substrate library's own solver as the rival, laws of rest
// and of draws with derived errors, provoked errors.
#include "calx/inference/dense_pair.h"

#include <gtest/gtest.h>

#include <cmath>

#include "calx/thermo/published_pair.h"

namespace calx::inference {
namespace {

using Floats = std::vector<float>;

std::shared_ptr<const thermo::NoiseSource> noise_of(std::int64_t seed) {
  return thermo::philox_noise(noise::Seed::from_integer(seed));
}

thermo::Substrate untrained(std::size_t units, std::size_t rank) {
  return *thermo::untrained_pair(units, rank, *noise_of(7));
}

Floats ramp(std::size_t count, float from) {
  Floats values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = from + 0.125F * static_cast<float>(i % 9);
  return values;
}

// One unit a module: A = 2, B = 4 (J2 = 1 and 2), J = 3 * 0.5 = 1.5.
thermo::Substrate by_hand() {
  thermo::Substrate s;
  s.modules = {{.name = "encoder", .units = 1, .quadratic = {1}},
               {.name = "decoder", .units = 1, .quadratic = {2}}};
  s.couplings = {{.first = 0,
                  .second = 1,
                  .left = thermo::Matrix(1, 1, {3}),
                  .right = thermo::Matrix(1, 1, {0.5})}};
  return s;
}

TEST(DensePairTest, AgreesWithASolveByHand) {
  const auto pair = DensePair::of(by_hand());
  ASSERT_TRUE(pair);
  const Floats x{2}, d{-1};
  EXPECT_EQ(pair->encoder_bias(x), Floats{4});
  EXPECT_EQ(pair->decoder_bias(d), Floats{-4});
  EXPECT_EQ(pair->coupled(x), Floats{3});
  const auto bias = pair->consistent_bias(x, d);
  EXPECT_EQ(bias.encoder, Floats{2.5F});
  EXPECT_EQ(bias.decoder, Floats{-1});
  // M^-1 = [[4, -1.5], [-1.5, 2]] / 5.75
  const auto z = pair->rest(Floats{1}, Floats{0});
  EXPECT_FLOAT_EQ(z.encoder[0], 4 / 5.75F);
  EXPECT_FLOAT_EQ(z.decoder[0], -1.5F / 5.75F);
  EXPECT_EQ(pair->decoder_alone(d), Floats{-0.25F});
  EXPECT_DOUBLE_EQ(pair->heat({x, d}), (2 * 4 + 4 * 1 + 2 * 1.5 * -2) / 2.0);
  const auto s = pair->spectra();
  EXPECT_DOUBLE_EQ(s.coupling_norm, 1.5);
  EXPECT_NEAR(s.whole.least, 3 - std::sqrt(1 + 2.25), 1e-12);
  EXPECT_NEAR(s.whole.largest, 3 + std::sqrt(1 + 2.25), 1e-12);
}

// Parity: the factored solver of the substrate library.
TEST(DensePairTest, RestsWhereTheSubstrateDoes) {
  const auto substrate = untrained(24, 5);
  const auto pair = DensePair::of(substrate);
  const auto stiffness = thermo::Stiffness::of(substrate);
  ASSERT_TRUE(pair && stiffness);
  const Floats bx = ramp(24, -0.5F), by = ramp(24, 0.25F);
  std::vector<double> b(bx.begin(), bx.end());
  b.insert(b.end(), by.begin(), by.end());
  const auto z = stiffness->solve(b);
  ASSERT_TRUE(z);
  const auto rest = pair->rest(bx, by);
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_NEAR(rest.encoder[i], (*z)[i], 1e-5);
    EXPECT_NEAR(rest.decoder[i], (*z)[24 + i], 1e-5);
  }
  EXPECT_NEAR(pair->spectra().whole.least, stiffness->spectrum().least, 1e-8);
  EXPECT_NEAR(pair->spectra().coupling_frobenius, 0.25, 1e-6);
}

TEST(DensePairTest, ConsistentBiasRestsAtTheRowsItWasMadeFrom) {
  const auto pair = DensePair::of(untrained(16, 4));
  const Floats x = ramp(3 * 16, 1), d = ramp(3 * 16, -2);
  const auto bias = pair->consistent_bias(x, d);
  EXPECT_EQ(pair->coupled(x), pair->consistent_bias(x, Floats(d.size())).decoder);
  const auto z = pair->rest(bias.encoder, bias.decoder);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(z.encoder[i], x[i], 1e-5);
    EXPECT_NEAR(z.decoder[i], d[i], 1e-5);
  }
}

// Law: the draws' mean square about the mean is kT tr (M^-1)_dd / (D n), with a standard error of
// sqrt(2 / (rows D)) of it if units were independent; the units here nearly are.
TEST(DensePairTest, SnapshotsFollowTheExactLawOfAMean) {
  constexpr std::size_t kUnits = 16, kRows = 500;
  const auto substrate = untrained(kUnits, 4);
  const auto pair = DensePair::of(substrate);
  Floats unit(kUnits * kUnits);
  for (std::size_t i = 0; i < kUnits; ++i) unit[i * kUnits + i] = 1;
  const auto columns = pair->rest(Floats(unit.size()), unit).decoder;
  double trace = 0;
  for (std::size_t i = 0; i < kUnits; ++i) trace += columns[i * kUnits + i];
  const Floats rows = ramp(kRows * kUnits, 0);
  for (const double n : {1.0, 25.0}) {
    const auto y = pair->snapshots({rows, rows}, 0.5, n, *noise_of(3), 2);
    ASSERT_TRUE(y);
    double square = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      square += (double{(*y)[i]} - double{rows[i]}) * (double{(*y)[i]} - double{rows[i]});
    }
    const double wanted = 0.5 * trace / n;
    EXPECT_NEAR(square / kRows / wanted, 1, 5 * std::sqrt(2.0 / (kRows * kUnits)));
  }
  EXPECT_NE(*pair->snapshots({rows, rows}, 1, 1, *noise_of(3), 0),
            *pair->snapshots({rows, rows}, 1, 1, *noise_of(3), 1));
}

TEST(DensePairTest, RefusesWhatIsNoPairOrHasNoMinimum) {
  auto indefinite = by_hand();
  indefinite.couplings[0].strength = {2};  // J = 3 > sqrt(8)
  auto clamped = by_hand();
  clamped.modules[0].clamped = true;
  auto alone = by_hand();
  alone.couplings.clear();
  auto quartic = by_hand();
  quartic.modules[1].quartic = {0.1};
  for (const auto& bad : {indefinite, clamped, alone, quartic}) {
    const auto pair = DensePair::of(bad);
    ASSERT_FALSE(pair);
    EXPECT_EQ(pair.error().code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace calx::inference
