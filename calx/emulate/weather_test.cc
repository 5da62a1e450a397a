// Goal: the crowd of a weather study is what it says: so many liars, no device beyond its part of
// the hashes, every answer in its bin. Method: law tests on the plan; the run itself is tested with
// the real bridge, in tests/devices.
#include "calx/emulate/weather.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <numeric>

namespace calx::emulate {
namespace {

TEST(WeatherTest, ThereAreAsManyLiarsAsPlanned) {
  for (const auto& [miners, liars] : {std::pair{1000, 20}, std::pair{40, 4}, std::pair{7, 7},
                                      std::pair{10, 3}, std::pair{5, 0}}) {
    WeatherOptions options{.miners = static_cast<std::size_t>(miners),
                           .liars = static_cast<std::size_t>(liars)};
    int count = 0;
    for (std::uint32_t i = 0; i < options.miners; ++i) count += is_weather_liar(options, i) ? 1 : 0;
    EXPECT_EQ(count, liars) << "of " << miners;
  }
}

TEST(WeatherTest, NoDeviceNeedsMoreThanItsPartOfTheHashes) {
  const WeatherOptions options{.miners = 1000, .hashes_per_second = 10e6};
  const auto devices = weather_devices(options).value();
  ASSERT_GE(devices.size(), 3u);
  for (const EmulatedDevice& device : devices) {
    const int shift = static_cast<int>(kRealBaseBits - device.base_bits);
    const double needed = std::ldexp(device.hashes_per_second, -shift);
    EXPECT_LE(needed, 10e3) << device.kind;
    EXPECT_GT(2 * needed, 10e3) << device.kind << ": shifted further than needed";
  }
  EXPECT_EQ(weather_devices({.miners = 1000, .hashes_per_second = 1e3}).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(WeatherTest, EveryAnswerIsInOneBinAndNotBeyondItsEdge) {
  Ledger ledger;
  const double waits_ms[] = {0.001, 0.0625, 0.9, 1.0, 7.0, 50.0, 1e9};
  for (std::uint64_t i = 0; i < std::size(waits_ms); ++i) {
    ledger.enter({.number = i});
    const auto wait = std::chrono::duration_cast<Time::duration>(Seconds(1e-3 * waits_ms[i]));
    ledger.answer(0, i, kAccepted, Time{} + wait);
  }
  const WaitBins bins = wait_bins(ledger);
  EXPECT_EQ(std::accumulate(bins.shares.begin(), bins.shares.end(), 0.0), 7);
  EXPECT_EQ(bins.shares.front(), 2) << "up to 2^-4 ms";
  EXPECT_EQ(bins.shares.back(), 1) << "what lies beyond the last edge";
}

TEST(WeatherTest, TheMemoryOfAProcessIsReadAndOfNoneIsNot) {
  EXPECT_GT(resident_bytes(::getpid()).value(), 1u << 20);
  EXPECT_EQ(resident_bytes(-1).error().code, ErrorCode::kNotFound);
}

TEST(WeatherTest, APlanThatIsNoneIsRefused) {
  EXPECT_EQ(run_weather({.bridge = ::getpid(), .faults = "hail=1"}, {}).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(run_weather({.bridge = ::getpid(), .miners = 0}, {}).error().code,
            ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::emulate
