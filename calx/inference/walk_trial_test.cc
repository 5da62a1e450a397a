// Goal: a trial of the lattice walk passes its own law alone, counts its hashes and can be stopped.
// Method: law test on a short walk with strong couplings, from both starts; faults.
#include "calx/inference/walk_trial.h"

#include <gmock/gmock.h>

#include "calx/thermo/sha256d_noise.h"

namespace calx::inference {
namespace {

WalkTask short_task() {
  return {.substrate = coupled_units(16, {1.5, 1.2, -0.35}),
          .step = 0.1,
          .chains = 1000,
          .unit_steps = 8'000'000,
          .threads = 2};
}

TEST(WalkTrialTest, KeepsItsOwnLawFromBothStarts) {
  for (const bool cold : {true, false}) {
    WalkTask task = short_task();
    task.cold = cold;
    const auto trial = try_walk(task);
    ASSERT_TRUE(trial) << trial.error().message;
    EXPECT_TRUE(trial->certificate.passed()) << describe(trial->certificate);
    EXPECT_GE(trial->tally.unit_steps, task.unit_steps);
    EXPECT_EQ(trial->sha256d_calls, trial->tally.unit_steps / thermo::kDrawsPerDigest);
    EXPECT_GT(trial->euler.trace_sigmas * -1, 5);
    EXPECT_GT(trial->rest.frobenius_ratio, 1.1);
  }
}

TEST(WalkTrialTest, HasThreeEigenvaluesApart) {
  const auto spectrum =
      thermo::Stiffness::of(coupled_units(64, {1.5, 1.2, -0.5})).value().spectrum();
  EXPECT_NEAR(spectrum.least, 0.5, 0.15);
  EXPECT_NEAR(spectrum.largest, 2.5, 0.15);
}

TEST(WalkTrialTest, StopsAndRefuses) {
  WalkTask task = short_task();
  std::stop_source stopped;
  stopped.request_stop();
  task.stop = stopped.get_token();
  EXPECT_EQ(try_walk(task).error().code, ErrorCode::kCancelled);
  task = short_task();
  task.substrate.couplings[0].strength = {-2, 0, 0};
  EXPECT_FALSE(try_walk(task));
}

}  // namespace
}  // namespace calx::inference
