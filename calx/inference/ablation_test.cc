// Goal: every axis of the ablations changes what it names and states what could not be run.
// Method: each axis on a small linear task, with facts that hold there: none equals the mean, more
// bits are nearer, colder is nearer, the mean does not depend on the source of noise.
#include "calx/inference/ablation.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "calx/inference/ablation_bench.h"
#include "calx/inference/example_task.h"

namespace calx::inference {
namespace {

constexpr std::size_t kUnits = 16;

AblationSettings settings() {
  AblationSettings s = quick_ablations();
  s.arms.rank = 4;
  s.arms.threads = 2;
  return s;
}

AblationAxis axis(std::string_view name) {
  static const DecoderTask task = example_task(2048, kUnits);
  auto done = run_ablation(name, task, settings());
  EXPECT_TRUE(done) << name << ": " << done.error().message;
  return done ? *std::move(done) : AblationAxis();
}

const AblationRow& row(const AblationAxis& axis, std::string_view value,
                       std::string_view substrate) {
  const auto found = std::ranges::find_if(axis.rows, [&](const AblationRow& one) {
    return one.value.starts_with(value) && one.substrate.starts_with(substrate);
  });
  EXPECT_NE(found, axis.rows.end()) << value;
  return *found;
}

TEST(AblationTest, ControlsStandWhereTheyMust) {
  const AblationAxis done = axis("controls");
  EXPECT_NEAR(row(done, "folded", "none").figures.r2,
              row(done, "the coupling", kCalibratedName).figures.r2, 1e-5);
  EXPECT_LT(row(done, "coupling of the other", kCalibratedName).figures.r2, 0);
  EXPECT_LT(row(done, "shuffled", "none").figures.r2, 0);
}

TEST(AblationTest, CouplingsAreRankedByWhatTheyWereFittedFor) {
  const AblationAxis done = axis("coupling");
  EXPECT_EQ(done.rows.size(), 7U);
  EXPECT_NEAR(row(done, "none", "B").figures.r2, 0, 0.01);
  EXPECT_LT(row(done, "weights", "B").figures.r2, row(done, "rrr", "B").figures.r2);
  EXPECT_LE(row(done, "rrr", "B").figures.r2, row(done, "full", "B").figures.r2);
}

TEST(AblationTest, ClampsOfTheJointCouplingAnswerAsTheClampedPairDoes) {
  const AblationAxis done = axis("conditioning");
  EXPECT_NEAR(row(done, "clamp of a coupling", "M").figures.r2,
              row(done, "clamp", kCalibratedName).figures.r2, 1e-4);
  EXPECT_EQ(row(done, "none", "Gram").figures.raw, 0);
}

TEST(AblationTest, ColderIsNearer) {
  const AblationAxis done = axis("temperature");
  EXPECT_EQ(done.rows.size(), 10U);
  EXPECT_GT(row(done, "kT = 0.0001", "B = C").figures.r2, row(done, "kT = 1", "B = C").figures.r2);
  EXPECT_LT(row(done, "kT = 1", "B = 0.2").figures.raw, 0.9);
}

TEST(AblationTest, MoreBitsAreNearer) {
  const AblationAxis done = axis("bits");
  EXPECT_LT(row(done, "4 bits of clamps", kUniformName).figures.digital_db,
            row(done, "12 bits of clamps", kUniformName).figures.digital_db);
  EXPECT_LT(row(done, "4 bits of P", kUniformName).figures.digital_db,
            row(done, "12 bits of P", kUniformName).figures.digital_db);
  EXPECT_LT(row(done, "4 bits of the read", kCalibratedName).figures.digital_db,
            row(done, "12 bits of the read", kCalibratedName).figures.digital_db);
}

TEST(AblationTest, OtherAxesRunThroughAndSayHow) {
  for (const char* name :
       {"interface", "quartic", "mismatch", "dead-wires", "noise", "integrator", "relaxation"}) {
    const AblationAxis done = axis(name);
    EXPECT_GE(done.rows.size(), 5U) << name;
    for (const AblationRow& one : done.rows) {
      EXPECT_TRUE(one.ran) << name << one.value << one.note;
      EXPECT_FALSE(one.note.empty());
    }
  }
}

TEST(AblationTest, EulerMaruyamaIsFoundAndLeimkuhlerMatthewsPasses) {
  const AblationAxis done = axis("integrator");
  EXPECT_NE(row(done, "em", "B").note.find("trace"), std::string::npos);
  EXPECT_NE(row(done, "lm", "B").note.find("certificate passed"), std::string::npos);
}

TEST(AblationTest, UnknownAxisIsNamed) {
  const DecoderTask task = example_task(64, 8);
  const auto refused = run_ablation("colour", task, settings());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("coupling"), std::string::npos);
}

TEST(AblationTest, SweepGoesOnFromFinishedAxes) {
  const auto folder =
      std::filesystem::temp_directory_path() / ("calx-ablation-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const StageCRun run{.work = folder, .command = "test", .threads = 2};
  const auto first = run_ablations(quick_ablations(), run, {}, {});
  ASSERT_TRUE(first) << first.error().message;
  std::size_t axes = 0;
  const auto count = [&](const Progress& now) {
    axes += now.stage.starts_with("ablation") ? 1 : 0;
  };
  const auto second = run_ablations(quick_ablations(), run, count, {});
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(axes, 0U);
  EXPECT_TRUE(render_markdown(*first) == render_markdown(*second));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace calx::inference
