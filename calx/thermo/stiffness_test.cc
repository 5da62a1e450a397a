// Goal: whether an energy has a minimum, how stiff it is and where it lies, without forming M.
// Method: parity with Eigen on the matrix written out; the edge of stability by bisection on a
// coupling; faults.
#include "calx/thermo/stiffness.h"

#include <gmock/gmock.h>

#include <cmath>

#include "calx/thermo/eigen_view.h"
#include "calx/thermo/example_substrate.h"
#include "calx/thermo/validate.h"

namespace calx::thermo {
namespace {

using testing::HasSubstr;

Eigen::VectorXd eigenvalues(const Substrate& s) {
  return EigenSolver(Eigen::MatrixXd(view(dense_stiffness(s).value()))).eigenvalues();
}

void scale_coupling(Substrate& s, double factor) {
  for (double& value : s.couplings[0].left.values) value *= factor;
}

TEST(StiffnessTest, AgreesWithTheMatrixWrittenOut) {
  for (const std::size_t self : {0u, 3u}) {
    const Substrate s = example_substrate(30, 5, self);
    const auto stiffness = Stiffness::of(s);
    ASSERT_TRUE(stiffness) << stiffness.error().message;
    const Eigen::MatrixXd m = view(dense_stiffness(s).value());
    const Eigen::VectorXd values = eigenvalues(s);
    const Spectrum spectrum = stiffness->spectrum();
    EXPECT_NEAR(spectrum.least, values.minCoeff(), 1e-8);
    EXPECT_NEAR(spectrum.largest, values.maxCoeff(), 1e-8);
    EXPECT_NEAR(stiffness->trace_of_inverse().value(), m.inverse().trace(), 1e-9);
    Eigen::VectorXd b(m.rows());
    for (Eigen::Index i = 0; i < b.size(); ++i) b(i) = example_value(static_cast<unsigned>(i));
    const auto x = stiffness->solve({b.data(), static_cast<std::size_t>(b.size())}).value();
    EXPECT_LT((m * view(x) - b).norm(), 1e-12 * b.norm());
    for (const double t : {0.3, 0.9, 1.3, 2.0}) {
      EXPECT_EQ(stiffness->count_below(t), (values.array() < t).count()) << t;
    }
  }
}

TEST(StiffnessTest, FindsTheCouplingAtWhichTheEnergyLosesItsMinimum) {
  double low = 1, high = 100;
  while (high - low > 1e-9) {
    const double middle = (low + high) / 2;
    Substrate s = example_substrate(16, 2);
    scale_coupling(s, middle);
    (eigenvalues(s).minCoeff() > 0 ? low : high) = middle;
  }
  Substrate below = example_substrate(16, 2), above = example_substrate(16, 2);
  scale_coupling(below, low * (1 - 1e-6));
  scale_coupling(above, low * (1 + 1e-6));
  EXPECT_TRUE(Stiffness::of(below));
  const auto refused = Stiffness::of(above);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(refused.error().message, HasSubstr("indefinite"));
}

TEST(StiffnessTest, RefusesAUnitWithoutStiffness) {
  Substrate s = example_substrate(16, 2);
  s.couplings.clear();
  s.modules[1].quadratic[4] = 0;
  EXPECT_FALSE(Stiffness::of(s));
}

TEST(StiffnessTest, LetsQuarticTermsHoldADoubleWell) {
  Substrate s;
  s.modules = {{.name = "well", .units = 2, .quadratic = {-0.5}, .quartic = {0.1}}};
  const auto held = Stiffness::of(s);
  ASSERT_TRUE(held) << held.error().message;
  EXPECT_FALSE(held->positive_definite());
  EXPECT_FALSE(held->solve(std::vector<double>(2)));
  EXPECT_FALSE(held->trace_of_inverse());
  s.modules[0].quartic = {0.1, 0.0};  // the second unit falls for ever
  EXPECT_FALSE(Stiffness::of(s));
}

TEST(StiffnessTest, LeavesClampedModulesOut) {
  Substrate s = example_substrate(16, 2);
  s.modules[0].clamped = true;
  scale_coupling(s, 1000);  // a force now, no stiffness
  const auto stiffness = Stiffness::of(s);
  ASSERT_TRUE(stiffness);
  EXPECT_EQ(stiffness->units(), 19u);
  EXPECT_EQ(dense_stiffness(s).value().rows, 19u);
}

TEST(StiffnessTest, AssessesASubstrate) {
  Substrate s;
  s.modules = {{.name = "x", .units = 4, .quadratic = {1.0, 1.0, 2.0, 4.0}, .bias = {2, 0, 0, 8}}};
  const auto a = validate(s, {.mobility = 0.5, .temperature_kt = 0.1});
  ASSERT_TRUE(a) << a.error().message;
  EXPECT_NEAR(a->spectrum.least, 2, 1e-8);
  EXPECT_NEAR(a->condition, 4, 1e-8);
  EXPECT_NEAR(a->relaxation.tau_fast, 0.25, 1e-8);
  EXPECT_NEAR(a->relaxation.tau_slow, 1, 1e-8);
  EXPECT_NEAR(a->euler_step_max, 0.5, 1e-8);
  EXPECT_NEAR(a->signal_kt, (2 + 8) / 2.0 / 0.1, 1e-6);  // z = (1, 0, 0, 1)
  EXPECT_NEAR(a->signal_to_noise, 2 / (0.1 * 1.375), 1e-6);
  EXPECT_NEAR(a->snapshot_cosine, std::sqrt(14.545454 / 15.545454), 1e-6);
  EXPECT_THAT(describe(*a), HasSubstr("DAC writes        6 to program"));
}

TEST(StiffnessTest, RefusesDynamicsWithoutASense) {
  const Substrate s = example_substrate(16, 2);
  EXPECT_THAT(validate(s, {.temperature_kt = 0}).error().message, HasSubstr("temperature"));
  EXPECT_THAT(validate(s, {.step = -1}).error().message, HasSubstr("step"));
  EXPECT_THAT(validate(s, {.mobility = INFINITY}).error().message, HasSubstr("mobility"));
}

}  // namespace
}  // namespace calx::thermo
