// Goal: what is written is the text exposition format 0.0.4, whatever the names hold. Method:
// vector. Whole texts written by hand from the format's description; tests/metrics.py reads a live
// one with Prometheus' own parser.
#include "calx/metrics/exposition.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "calx/metrics/latency.h"

namespace calx::metrics {
namespace {

TEST(ExpositionTest, WritesAFamilyWithItsSamples) {
  Exposition out;
  out.family("calx_shares_total", Kind::kCounter, "Shares judged.");
  out.sample({{"worker", "a"}, {"verdict", "accepted"}}, std::uint64_t{18446744073709551615U});
  out.sample({}, 0.25);
  EXPECT_EQ(out.text(),
            "# HELP calx_shares_total Shares judged.\n# TYPE calx_shares_total counter\n"
            "calx_shares_total{worker=\"a\",verdict=\"accepted\"} 18446744073709551615\n"
            "calx_shares_total 0.25\n");
}

TEST(ExpositionTest, NoNameEndsItsLabelOrItsLine) {
  Exposition out;
  out.family("g", Kind::kGauge, "h");
  out.sample({{"w", "a\"} 1\nb\\c\x01\xff"}}, std::uint64_t{1});
  EXPECT_EQ(out.text(), "# HELP g h\n# TYPE g gauge\ng{w=\"a\\\"} 1\\nb\\\\c\\\\x01\\\\xff\"} 1\n");
}

TEST(ExpositionTest, NumbersOutsideTheFiniteHaveTheFormatsNames) {
  Exposition out;
  out.family("g", Kind::kGauge, "h");
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double value : {infinity, -infinity, std::numeric_limits<double>::quiet_NaN()}) {
    out.sample({}, value);
  }
  EXPECT_TRUE(out.text().ends_with("\ng +Inf\ng -Inf\ng NaN\n")) << out.text();
}

TEST(ExpositionTest, BucketsAreCumulativeAndTheLastIsOpen) {
  Exposition out;
  out.family("t", Kind::kHistogram, "h");
  constexpr std::array<std::uint64_t, 4> kCounts = {1, 0, 2, 3};
  out.durations({{"call", "c"}}, {.counts = kCounts, .sum_s = 1.5});
  EXPECT_EQ(out.text(),
            "# HELP t h\n# TYPE t histogram\n"
            "t_bucket{call=\"c\",le=\"1e-06\"} 1\nt_bucket{call=\"c\",le=\"2e-06\"} 1\n"
            "t_bucket{call=\"c\",le=\"4e-06\"} 3\nt_bucket{call=\"c\",le=\"+Inf\"} 6\n"
            "t_sum{call=\"c\"} 1.5\nt_count{call=\"c\"} 6\n");
}

TEST(LatencyCounterTest, ABucketHoldsWhatIsBelowItsPowerOfTwo) {
  LatencyCounter counter;
  for (const int us : {0, 1, 2, 3, 4, 1023, 1024}) counter.add(std::chrono::microseconds(us));
  counter.add(std::chrono::hours(1));
  counter.add(std::chrono::nanoseconds(-5));
  const auto reading = counter.read();
  EXPECT_EQ(reading.counts[0], 2u);  // 0 and the negative one
  EXPECT_EQ(reading.counts[1], 1u);
  EXPECT_EQ(reading.counts[2], 2u);
  EXPECT_EQ(reading.counts[3], 1u);
  EXPECT_EQ(reading.counts[10], 1u);
  EXPECT_EQ(reading.counts[11], 1u);
  EXPECT_EQ(reading.counts[LatencyCounter::kBuckets - 1], 1u);
  EXPECT_NEAR(reading.sum_s, 3600.002057, 1e-9);
}

}  // namespace
}  // namespace calx::metrics
