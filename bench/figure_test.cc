// Goal: a figure is judged by its bar and by nothing else, and never when it is wrong or short.
// Method: law tests on hand-made cases.
#include "bench/figure.h"

#include <gtest/gtest.h>

namespace calx::bench {
namespace {

FigureCase case_of(double value, double bar, bool at_least) {
  return {.name = "device/x",
          .unit = "ms",
          .bar = bar,
          .at_least = at_least,
          .run = [value](bool) -> Result<Measured> { return Measured{.value = value}; }};
}

TEST(FigureTest, TheBarIsTheLeastOrTheMost) {
  EXPECT_EQ(measure(case_of(2, 2, true), false).verdict, Verdict::kMet);
  EXPECT_EQ(measure(case_of(1.9, 2, true), false).verdict, Verdict::kMissed);
  EXPECT_EQ(measure(case_of(2, 2, false), false).verdict, Verdict::kMet);
  EXPECT_EQ(measure(case_of(2.1, 2, false), false).verdict, Verdict::kMissed);
  EXPECT_EQ(measure(case_of(9, 0, false), false).verdict, Verdict::kShown);
  EXPECT_EQ(measure(case_of(9, 2, false), true).verdict, Verdict::kShown) << "quick";
}

TEST(FigureTest, AWrongAnswerHasNoValue) {
  auto work = case_of(1, 2, false);
  work.run = [](bool) -> Result<Measured> { return fail(ErrorCode::kDataLoss, "a wrong answer"); };
  const Figure figure = measure(work, true);
  EXPECT_EQ(figure.verdict, Verdict::kWrong);
  EXPECT_EQ(value_text(figure), "-");
  EXPECT_EQ(figure.detail, "a wrong answer");
  work.missing = "no module";
  EXPECT_EQ(measure(work, false).verdict, Verdict::kUnavailable);
}

TEST(FigureTest, ValuesAndBarsCarryTheirUnit) {
  EXPECT_EQ(value_text(measure(case_of(1.234, 2, false), false)), "1.23 ms");
  EXPECT_EQ(value_text(measure(case_of(28123.4, 25000, true), false)), "28123 ms");
  EXPECT_EQ(bar_text(measure(case_of(1, 25000, true), false)), ">= 25000 ms");
  EXPECT_EQ(bar_text(measure(case_of(1, 0, true), false)), "-");
}

}  // namespace
}  // namespace calx::bench
