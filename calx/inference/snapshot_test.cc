// Goal: thermal answers follow the law that they are sold under, trajectories and exact draws are
// labelled as what they are, and a fault is found by name.
// Method: the certificates of sound runs and of each faulty twin, averages against algebra, and
// refusals.
#include "calx/inference/snapshot.h"

#include <gtest/gtest.h>

#include "calx/inference/example_task.h"
#include "calx/inference/stage_arms.h"
#include "calx/inference/substrate_mean.h"

namespace calx::inference {
namespace {

constexpr std::size_t kRows = 2000, kUnits = 8, kRank = 4;

const Carried& carried() {
  static const DecoderTask task = example_task(kRows, kUnits);
  static const Carried value = carry_rrr(task, Port::kSkip, kRank, 0.7).value();
  return value;
}

SnapshotRequest request(thermo::Twin twin = thermo::Twin::kNone) {
  return {.temperature_kt = 0.7,
          .source = thermo::philox_noise(noise::Seed()),
          .threads = 2,
          .twin = twin};
}

Result<SnapshotRun> run(const SnapshotRequest& wanted) {
  return run_snapshots(carried().substrate, carried().clamps, kRows, wanted);
}

TEST(SnapshotTest, ExactDrawsPassTheirCertificateAndAreLabelledSo) {
  const auto done = run(request());
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->certificate.passed()) << describe(done->certificate);
  EXPECT_EQ(done->manner.label, "exact draws");
  EXPECT_EQ(done->manner.steps, 1U);
  EXPECT_EQ(done->manner.origin, Origin::kSoftware);
  EXPECT_NEAR(done->figures.coverage, 0.9, 0.02);
}

TEST(SnapshotTest, EveryFaultyTwinIsFoundByTheCheckThatIsForIt) {
  const std::vector<std::pair<thermo::Twin, const char*>> twins = {
      {thermo::Twin::kHeat, "trace"},
      {thermo::Twin::kDropped, "modes"},
      {thermo::Twin::kBiased, "trace"},  // words pushed up spread less, too
      {thermo::Twin::kFlipped, "mean"}};
  for (const auto& [twin, check] : twins) {
    const auto done = run(request(twin));
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_TRUE(done->certificate.found(check)) << to_string(twin) << describe(done->certificate);
    EXPECT_EQ(done->manner.origin, Origin::kModelled);
  }
}

TEST(SnapshotTest, TrajectoryOfTheCalibratedStiffnessHasTheSameLawAsExactDraws) {
  SnapshotRequest wanted = request();
  wanted.scheme = thermo::Scheme::kLeimkuhlerMatthews;
  wanted.step_share = 1;
  const auto done = run(wanted);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->manner.label, "trajectory");
  EXPECT_GE(done->manner.burn_in_tau, 10);
  EXPECT_TRUE(done->certificate.passed()) << describe(done->certificate);
}

TEST(SnapshotTest, ShortBurnInIsAFinding) {
  SnapshotRequest wanted = request();
  wanted.scheme = thermo::Scheme::kLeimkuhlerMatthews;
  wanted.step_share = 1;
  wanted.burn_in_tau = 2;
  const auto done = run(wanted);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->certificate.found("burn-in"));
}

TEST(SnapshotTest, MeansOfMoreReadsComeNearerToTheMean) {
  SnapshotRequest wanted = request();
  wanted.counts = {1, 4, 16};
  const auto done = run(wanted);
  ASSERT_TRUE(done) << done.error().message;
  const auto mean = substrate_mean(carried().substrate, 1, carried().clamps, {}, kRows, 1);
  ASSERT_TRUE(mean);
  const auto square = [&](const std::vector<float>& rows) {
    double sum = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const double error = double{rows[i]} - double{(*mean)[i]};
      sum += error * error;
    }
    return sum;
  };
  const double one = square(done->means[0]);  // 16,000 squares: 3 % of spread
  EXPECT_NEAR(square(done->means[1]) / one, 1.0 / 4, 0.02);
  EXPECT_NEAR(square(done->means[2]) / one, 1.0 / 16, 0.006);
}

TEST(SnapshotTest, TimeAveragesAgreeWithAlgebraAndShortOnesAreRefused) {
  const auto uniform = uniform_pair(carried(), 0.7);
  ASSERT_TRUE(uniform);
  SnapshotRequest wanted = request();
  wanted.scheme = thermo::Scheme::kLeimkuhlerMatthews;
  wanted.step_share = 0.2;
  constexpr std::size_t kChains = 32;
  const auto clamps = std::span(carried().clamps).first(kChains * kUnits);
  const auto done = average_trajectories(*uniform, clamps, kChains, wanted, 400);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_NEAR(done->rms_sigmas, 1, 0.2);
  EXPECT_LE(std::abs(done->pooled_sigmas), 4);
  EXPECT_GE(done->times_of_tau_int, thermo::kAverageTauMin);
  const auto refused = average_trajectories(*uniform, clamps, kChains, wanted, 20);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("50"), std::string::npos) << refused.error().message;
}

TEST(SnapshotTest, RefusesWhatItCannotRun) {
  SnapshotRequest wanted = request();
  wanted.counts = {4, 1};
  EXPECT_FALSE(run(wanted));
  wanted = request();
  wanted.scheme = thermo::Scheme::kEulerMaruyama;  // and no step
  EXPECT_FALSE(run(wanted));
  wanted = request();
  wanted.source = nullptr;
  EXPECT_FALSE(run(wanted));
}

}  // namespace
}  // namespace calx::inference
