// Goal: a description of a substrate that cannot be built is refused with a sentence, and its wires
// and writes are counted as a machine would need them.
// Method: faults, one for every refusal; wires against counts by hand.
#include "calx/thermo/substrate.h"

#include <gmock/gmock.h>

#include <limits>

#include "calx/thermo/example_substrate.h"

namespace calx::thermo {
namespace {

using testing::HasSubstr;

void expect_refused(const Substrate& substrate, std::string_view words,
                    ErrorCode code = ErrorCode::kInvalidArgument) {
  const auto result = check(substrate);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, code);
  EXPECT_THAT(result.error().message, HasSubstr(words));
}

TEST(SubstrateTest, AcceptsTheExample) { EXPECT_TRUE(check(example_substrate(20, 4, 2))); }

TEST(SubstrateTest, CountsWiresAndWrites) {
  Substrate s = example_substrate(20, 4, 2);
  const Wiring w = wiring(s);
  EXPECT_EQ(w.coupling_wires, 4u * (20 + 23) + 2u * 23);
  EXPECT_EQ(w.full_wires, 20u * 23 + 23u * 22 / 2);
  EXPECT_EQ(w.intra_wires, 190u);
  EXPECT_EQ(w.program_writes,
            20u + 210 + 23 + 23 + 4u * 43 + 4 + 2u * 23 + 2);  // J2, K, J2, b, P Q, s, P, s
  EXPECT_EQ(w.clamp_writes, 0u);
  s.modules[0].clamped = true;
  EXPECT_EQ(wiring(s).clamp_writes, 20u);
  EXPECT_EQ(wiring(s).intra_wires, 0u);
}

TEST(SubstrateTest, CountsTheWiresOfTheReference) {
  Substrate s;
  s.modules = {{.name = "x", .units = 64, .clamped = true},
               {.name = "y", .units = 64, .quadratic = {0.5}}};
  s.couplings = {{.first = 0,
                  .second = 1,
                  .left = example_matrix(64, 16, 1, 0),
                  .right = example_matrix(64, 16, 1, 1)}};
  EXPECT_EQ(wiring(s).coupling_wires, 2048u);
}

TEST(SubstrateTest, PutsFreeAndClampedUnitsApart) {
  Substrate s = example_substrate(20, 4);
  EXPECT_EQ(places(s).free_units, 43u);
  EXPECT_EQ(places(s).offset[1], 20u);
  s.modules[0].clamped = true;
  EXPECT_EQ(places(s).free_units, 23u);
  EXPECT_EQ(places(s).clamped_units, 20u);
  EXPECT_EQ(places(s).offset[1], 0u);
}

TEST(SubstrateTest, RefusesModulesThatDoNotFit) {
  const auto change = [](auto&& f) {
    Substrate s = example_substrate(20, 4);
    f(s);
    return s;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  expect_refused(change([](Substrate& s) { s.modules[1].units = 0; }), "no units");
  expect_refused(change([](Substrate& s) { s.modules[1].quadratic.pop_back(); }),
                 "22 values of J2, wanted 1 or 23");
  expect_refused(change([](Substrate& s) { s.modules[0].quartic = {0.1, 0.1}; }), "J4");
  expect_refused(change([](Substrate& s) { s.modules[0].quartic = {-0.1}; }), "no minimum");
  expect_refused(change([](Substrate& s) { s.modules[1].bias.pop_back(); }), "the bias");
  expect_refused(change([nan](Substrate& s) { s.modules[1].bias[3] = nan; }),
                 "not a finite number");
  expect_refused(change([nan](Substrate& s) { s.modules[0].intra(1, 1) = nan; }),
                 "not a finite number");
  expect_refused(change([](Substrate& s) { s.modules[0].intra(1, 2) += 1; }), "symmetric");
  expect_refused(change([](Substrate& s) { s.modules[0].intra = Matrix(3, 3); }),
                 "shape [3, 3], wanted [20, 20]");
  expect_refused(change([](Substrate& s) {
                   for (Module& module : s.modules) module.clamped = true;
                 }),
                 "no free unit");
}

TEST(SubstrateTest, RefusesCouplingsThatDoNotFit) {
  const auto change = [](auto&& f) {
    Substrate s = example_substrate(20, 4, 2);
    f(s);
    return s;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  expect_refused(change([](Substrate& s) { s.couplings[0].second = 2; }), "but there are 2");
  expect_refused(change([](Substrate& s) { s.couplings[0].left = Matrix(20, 0); }), "rank 0");
  expect_refused(change([](Substrate& s) { s.couplings[0].right = Matrix(20, 4); }),
                 "shape [20, 4] for module decoder, wanted [23, 4]");
  expect_refused(change([](Substrate& s) {
                   s.couplings[0].left = Matrix(20, 21);
                   s.couplings[0].right = Matrix(23, 21);
                 }),
                 "rank 21 is larger than the 20 units");
  expect_refused(change([nan](Substrate& s) { s.couplings[0].left(0, 0) = nan; }), "finite");
  expect_refused(change([nan](Substrate& s) { s.couplings[0].strength[0] = nan; }), "finite");
  expect_refused(change([](Substrate& s) { s.couplings[0].strength.pop_back(); }), "3 strengths");
  expect_refused(change([](Substrate& s) { s.couplings[1].right = Matrix(23, 2); }),
                 "coupled to itself");
}

TEST(SubstrateTest, RefusesMoreThanItsLimits) {
  Substrate s;
  s.modules = {{.name = "wide", .units = kUnitsMax + 1, .quadratic = {1.0}}};
  expect_refused(s, "more than", ErrorCode::kResourceExhausted);
  s.modules = {
      {.name = "dense", .units = kIntraUnitsMax + 1, .quadratic = {1.0}, .intra = Matrix(1, 1)}};
  expect_refused(s, "wanted at most 4096 units", ErrorCode::kResourceExhausted);
  s.modules.assign(kModulesMax + 1, {.name = "one", .units = 1, .quadratic = {1.0}});
  expect_refused(s, "modules", ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace calx::thermo
