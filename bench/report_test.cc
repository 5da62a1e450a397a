// Goal: the exit status and the table say what the verdicts say.
// Method: law tests on hand-made outcomes.
#include "bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace calx::bench {
namespace {

using testing::HasSubstr;

Outcome outcome_with(Verdict verdict) {
  Outcome outcome{.name = "hash/x", .item = "block", .ours_name = "kernel", .rival_name = "rival"};
  outcome.verdict = verdict;
  return outcome;
}

TEST(ReportTest, ExitStatusIsTheWorstVerdict) {
  const Outcome met = outcome_with(Verdict::kMet), shown = outcome_with(Verdict::kShown),
                missed = outcome_with(Verdict::kMissed), wrong = outcome_with(Verdict::kWrong),
                absent = outcome_with(Verdict::kUnavailable);
  EXPECT_EQ(exit_status(std::vector{met, shown}), 0);
  EXPECT_EQ(exit_status(std::vector{met, absent}), 3);
  EXPECT_EQ(exit_status(std::vector{absent, missed}), 1);
  EXPECT_EQ(exit_status(std::vector{wrong, met}), 1);
}

TEST(ReportTest, TableNamesBothSidesWithUnitsAndTheRange) {
  Outcome outcome = outcome_with(Verdict::kMet);
  outcome.ours = {12.5e-9};
  outcome.rival = {50e-9};
  outcome.ratio = compare(outcome.ours, outcome.rival);
  outcome.bar = 3.5;
  const Outcome outcomes[] = {outcome};
  Report report;
  report.effort = {.pairs = 1, .slice_seconds = 0.02, .judge = true};
  report.outcomes = outcomes;
  const std::string text = to_markdown(report);
  EXPECT_THAT(text, HasSubstr("| hash/x | kernel: 80.0 M block/s | rival: 20.0 M block/s | 4.00x "
                              "(4.00-4.00) | >= 3.50x | met |"));
  EXPECT_THAT(text, HasSubstr("origin of every figure: software"));
}

TEST(ReportTest, TimesAreTimesWhenAsked) {
  Outcome outcome = outcome_with(Verdict::kShown);
  outcome.item = "latent";
  outcome.as_time = true;
  outcome.ours = {32.7e-6};
  outcome.rival = {54e-6};
  outcome.ratio = compare(outcome.ours, outcome.rival);
  EXPECT_THAT(to_line(outcome), HasSubstr("32.7 us/latent"));
}

}  // namespace
}  // namespace calx::bench
