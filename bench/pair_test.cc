// Goal: the arithmetic of the table is right, and nothing is timed that gave a wrong answer.
// Method: law tests on hand-made seconds; sides that return scripted times instead of working.
#include "bench/pair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace calx::bench {
namespace {

constexpr Effort kFour{.pairs = 4, .slice_seconds = 1e-6, .judge = true};

Result<Spent> taken(double seconds) {
  return Spent{.wall_seconds = seconds, .cpu_seconds = seconds};
}

Side side_that_takes(double seconds, std::string* order = nullptr, char letter = '?') {
  return {"scripted", [=](std::uint64_t rounds, std::uint64_t) {
            if (order != nullptr) order->push_back(letter);
            return taken(seconds * static_cast<double>(rounds));
          }};
}

Case scripted_case(double ours, double rival, double bar) {
  Case work;
  work.name = "test/scripted";
  work.item = "thing";
  work.bar = bar;
  work.ours = side_that_takes(ours);
  work.rival = side_that_takes(rival);
  work.check = [] { return Result<void>(); };
  return work;
}

TEST(PairTest, MedianIsTheMiddleOrTheMeanOfTheTwoInTheMiddle) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({7}), 7);
}

TEST(PairTest, RatioIsRivalOverOursOfMediansWithTheRangeOverPairs) {
  const std::vector<double> ours = {1, 2, 4}, rival = {6, 4, 8};
  const Ratio ratio = compare(ours, rival);
  EXPECT_EQ(ratio.of_medians, 3);
  EXPECT_EQ(ratio.pair_min, 2);
  EXPECT_EQ(ratio.pair_max, 6);
}

TEST(PairTest, JudgesAgainstTheBarOnlyWhereItHolds) {
  EXPECT_EQ(measure(scripted_case(1, 2, 2.0), kFour).verdict, Verdict::kMet);
  EXPECT_EQ(measure(scripted_case(1, 2, 2.1), kFour).verdict, Verdict::kMissed);
  EXPECT_EQ(measure(scripted_case(1, 2, 0), kFour).verdict, Verdict::kShown);
  EXPECT_EQ(measure(scripted_case(1, 2, 2.1), {4, 1e-6, false}).verdict, Verdict::kShown);
  Case elsewhere = scripted_case(1, 2, 2.1);
  elsewhere.judged_here = false;
  EXPECT_EQ(measure(elsewhere, kFour).verdict, Verdict::kShown);
}

TEST(PairTest, ComparesTheTimeThatTheCaseNames) {
  Case work = scripted_case(1, 2, 1.5);
  work.ours.run = [](std::uint64_t, std::uint64_t) {
    return Result<Spent>(Spent{.wall_seconds = 4, .cpu_seconds = 1});  // three of four were waiting
  };
  EXPECT_EQ(measure(work, kFour).ratio.of_medians, 2);
  work.clock = Clock::kWall;
  const Outcome by_wall = measure(work, kFour);
  EXPECT_EQ(by_wall.ratio.of_medians, 0.5);
  EXPECT_EQ(by_wall.verdict, Verdict::kMissed);
}

TEST(PairTest, WithholdsTheVerdictOnABusyMachine) {
  Case work = scripted_case(1, 2, 3);
  work.clock = Clock::kCore;
  EXPECT_EQ(measure(work, kFour).verdict, Verdict::kMissed);
  work.rival.run = [](std::uint64_t, std::uint64_t) {
    return Result<Spent>(Spent{.wall_seconds = 2, .cpu_seconds = 1.7});
  };
  const Outcome busy = measure(work, kFour);
  EXPECT_EQ(busy.verdict, Verdict::kShown);
  EXPECT_EQ(busy.detail, "16 of 16 pairs did not have 95 % of their cores: the machine is busy");
}

TEST(PairTest, LeavesOutPairsThatLostTheirCores) {
  Case work = scripted_case(1, 2, 2);
  work.clock = Clock::kCore;
  int call = 0;
  work.rival.run = [&call](std::uint64_t, std::uint64_t) {
    return ++call % 2 == 0 ? taken(2) : Result<Spent>(Spent{.wall_seconds = 50, .cpu_seconds = 2});
  };
  const Outcome outcome = measure(work, kFour);
  EXPECT_EQ(outcome.ratio.pair_max, 2);
  EXPECT_EQ(outcome.verdict, Verdict::kMet);
  EXPECT_EQ(outcome.ours.size(), 4u);
  EXPECT_THAT(outcome.detail, testing::HasSubstr("and were left out"));
}

TEST(PairTest, TakesTurnsAndAlternatesWhoGoesFirst) {
  std::string order;
  Case work = scripted_case(1, 1, 0);
  work.ours = side_that_takes(1, &order, 'a');
  work.rival = side_that_takes(1, &order, 'b');
  measure(work, kFour);
  EXPECT_EQ(order,
            "ab"
            "abbaabba");  // one trial of each side to find the number of rounds
}

TEST(PairTest, GivesEveryMeasurementANewSalt) {
  std::vector<std::uint64_t> salts;
  Case work = scripted_case(1, 1, 0);
  work.ours.run = work.rival.run = [&](std::uint64_t, std::uint64_t salt) {
    salts.push_back(salt);
    return taken(1.0);
  };
  measure(work, kFour);
  for (std::size_t i = 0; i < salts.size(); ++i) EXPECT_EQ(salts[i], i + 1);
}

TEST(PairTest, CountsItemsAndFillsTheSlice) {
  Case work = scripted_case(1e-3, 2e-3, 0);
  work.items_per_round = 100;
  std::uint64_t most = 0;
  work.ours.run = [&](std::uint64_t rounds, std::uint64_t) {
    most = rounds;
    return taken(1e-3 * static_cast<double>(rounds));
  };
  const Outcome outcome = measure(work, {2, 0.05, false});
  EXPECT_GE(most, 50u);
  ASSERT_EQ(outcome.ours.size(), 2u);
  EXPECT_DOUBLE_EQ(outcome.ours[0], 1e-5);
}

TEST(PairTest, AWrongAnswerIsNeverTimed) {
  bool timed_any = false;
  Case work = scripted_case(1, 2, 1);
  work.ours.run = [&](std::uint64_t, std::uint64_t) {
    timed_any = true;
    return taken(1.0);
  };
  work.check = []() -> Result<void> { return fail(ErrorCode::kDataLoss, "digests differ"); };
  const Outcome outcome = measure(work, kFour);
  EXPECT_EQ(outcome.verdict, Verdict::kWrong);
  EXPECT_EQ(outcome.detail, "digests differ");
  EXPECT_FALSE(timed_any);
}

TEST(PairTest, AMissingRivalIsSaidAndNotJudged) {
  Case work = scripted_case(1, 2, 1);
  work.missing = "no torch";
  const Outcome outcome = measure(work, kFour);
  EXPECT_EQ(outcome.verdict, Verdict::kUnavailable);
  EXPECT_EQ(outcome.detail, "no torch");
}

}  // namespace
}  // namespace calx::bench
