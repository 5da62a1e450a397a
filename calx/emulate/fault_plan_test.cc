// Goal: a fault plan says what it will do, does it as often as it says, and refuses what it cannot.
// Method: round trip of texts, fault tests of every wrong word, law test of the drawn frequencies.
#include "calx/emulate/fault_plan.h"

#include <gtest/gtest.h>

#include <cmath>

namespace calx::emulate {
namespace {

constexpr const char* kEverything =
    "latency=200ms,loss=0.01,lie=0.05,duplicate=0.02,stale=0.02,corrupt=0.01,disconnect=0.001,"
    "half-open=0.25,overheat=60000ms";

TEST(FaultPlanTest, APlanReadsBackAsItWasWritten) {
  const FaultPlan plan = FaultPlan::parse(kEverything).value();
  EXPECT_EQ(plan.to_string(), kEverything);
  EXPECT_EQ(FaultPlan::parse(plan.to_string()).value(), plan);
  EXPECT_EQ(plan.latency.count(), 200);
  EXPECT_EQ(plan.chance[static_cast<std::size_t>(Fault::kLie)], 0.05);
  EXPECT_EQ(FaultPlan::parse("").value(), FaultPlan());
}

TEST(FaultPlanTest, ABareWordIsCertain) {
  EXPECT_EQ(FaultPlan::parse("half-open").value().to_string(), "half-open=1");
  EXPECT_EQ(FaultPlan::parse("overheat").value().overheat_after, std::chrono::seconds(60));
  EXPECT_EQ(FaultPlan::parse("latency=1.5s").value().latency.count(), 1500);
}

TEST(FaultPlanTest, WrongWordsAreNamed) {
  for (const char* text : {"lies=0.1", "lie=1.5", "lie=-0.1", "lie=", "lie=0.1x", "lie=nan",
                           "lie=0.6,loss=0.6", "lie=0.1,lie=0.1", "latency", "latency=5",
                           "latency=5h", "latency=1e9s", "none=1", ",", "lie=0.1,"}) {
    const auto plan = FaultPlan::parse(text);
    ASSERT_FALSE(plan) << text;
    EXPECT_EQ(plan.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(plan.error().message.find("fault plan"), std::string::npos) << plan.error().message;
  }
}

TEST(FaultPlanTest, FaultsComeAsOftenAsThePlanSays) {
  const FaultPlan plan = FaultPlan::parse("lie=0.3,stale=0.2,loss=0.1").value();
  Draws draws = Draws::open(noise::Seed::from_integer(std::int64_t{9}), "test", 0).value();
  constexpr double kDraws = 50'000;
  std::array<double, kFaultCount> seen{};
  for (int i = 0; i < static_cast<int>(kDraws); ++i) {
    ++seen[static_cast<std::size_t>(plan.draw(draws))];
  }
  for (std::size_t i = 0; i < kFaultCount; ++i) {
    const double chance = i == 0 ? 0.4 : plan.chance[i];
    const double standard_error = std::sqrt(kDraws * chance * (1 - chance));
    EXPECT_NEAR(seen[i], kDraws * chance, 4 * standard_error) << i;
  }
}

}  // namespace
}  // namespace calx::emulate
