// Goal: the rates that `calx device model` prints are those of the formulas that others published.
// Method: vector test against the published tables of returns, waits, bits and latents, each to the
// digits given; law tests of the exponential quantiles and of the mask; every row of the table of
// models says where its numbers come from.
#include "calx/device/physics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string_view>

#include "calx/device/model.h"
#include "calx/device/rate_table.h"

namespace calx::device {
namespace {

double rate_of(std::string_view kind) {
  return find_device_model(kind).value().hashes_per_second.value;
}

// A published figure has three digits: half of its last one is the tolerance.
void expect_published(double value, double published, double last_digit) {
  EXPECT_NEAR(value, published, 0.5001 * last_digit);
}

TEST(PhysicsTest, AtDifficultyOneTheReturnsAreThePublishedOnes) {
  expect_published(returns_per_second(rate_of("lv06"), 1), 101, 1);
  expect_published(returns_per_second(500e9, 1), 116.4, 0.1);
  expect_published(returns_per_second(rate_of("bitaxe-gamma"), 1), 249, 1);
  expect_published(returns_per_second(rate_of("s3"), 1), 102.7, 0.1);
  expect_published(returns_per_second(rate_of("s9"), 1), 3143, 1);
}

TEST(PhysicsTest, AtTheMasksOfRealDevicesTheReturnsAreThePublishedOnes) {
  struct Row {
    double rate, at_16, digit_16, at_64, digit_64, at_256, digit_256, at_8192;
  };
  const Row rows[] = {{500e9, 7.28, 0.01, 1.82, 0.01, 0.4547, 1e-4, 0.0142},
                      {433.59e9, 6.31, 0.01, 1.58, 0.01, 0.394, 1e-3, 0.0123},
                      {1.071e12, 15.6, 0.1, 3.90, 0.01, 0.974, 1e-3, 0.0304},
                      {441e9, 6.42, 0.01, 1.60, 0.02, 0.401, 1e-3, 0.0125},
                      {13.5e12, 196, 1, 49.1, 0.1, 12.3, 0.1, 0.384}};
  for (const Row& row : rows) {
    expect_published(returns_per_second(row.rate, 16), row.at_16, row.digit_16);
    expect_published(returns_per_second(row.rate, 64), row.at_64, row.digit_64);
    expect_published(returns_per_second(row.rate, 256), row.at_256, row.digit_256);
    expect_published(returns_per_second(row.rate, 8192), row.at_8192,
                     row.at_8192 < 0.1 ? 1e-4 : 1e-3);
  }
}

TEST(PhysicsTest, LatentsTakeThePublishedTimes) {
  expect_published(kLatentBits / bits_per_second(433.59e9, 1), 23.2, 0.1);
  expect_published(kLatentBits / bits_per_second(500e9, 1), 20.1, 0.1);
  expect_published(kLatentBits / bits_per_second(1.071e12, 1), 9.4, 0.1);
  expect_published(kLatentBits / bits_per_second(441e9, 1), 22.8, 0.1);
  expect_published(kLatentBits / bits_per_second(13.5e12, 1), 0.74, 0.01);
  expect_published(kLatentBits / bits_per_second(500e9, 256), 5338, 1);
  expect_published(kLatentBits / bits_per_second(433.59e9, 256), 6155, 2);
  expect_published(kLatentBits / bits_per_second(13.5e12, 64), 49, 1);
  expect_published(bits_per_second(500e9, 1) / 1000, 26.1, 0.1);
  expect_published(bits_per_second(13.5e12, 1) / 1000, 704, 1);
}

TEST(PhysicsTest, WaitsAreExponential) {
  const Wait wait = wait_for(500e9, 256);
  expect_published(wait.mean, 2.20, 0.01);
  expect_published(wait.quantile(0.95), 6.6, 0.1);
  EXPECT_NEAR(wait.quantile(0.5) / wait.mean, 0.693, 0.0005);
  EXPECT_NEAR(wait.quantile(0.95) / wait.mean, 3.0, 0.005);
  EXPECT_NEAR(wait.quantile(0.99) / wait.mean, 4.6, 0.01);
  EXPECT_EQ(wait.quantile(0), 0);
}

TEST(PhysicsTest, EnergyFollowsFromPowerAndRate) {
  // 21 J/TH times 2^40 hashes, however the power and the rate are written.
  EXPECT_NEAR(joules_per_return(10.5, 500e9, 256), 21e-12 * 0x1p40, 1e-9);
  EXPECT_NEAR(joules_per_byte(10.5, 500e9, 256), 21e-12 * 0x1p40 / 27, 1e-9);
  EXPECT_NEAR(kilowatt_hours_per_day(12), 0.288, 1e-12);
}

TEST(PhysicsTest, AStampBelowTheMaskCostsAsMuchAsTheMask) {
  EXPECT_EQ(stamp_wait(500e9, 1, 256).mean, wait_for(500e9, 256).mean);
  EXPECT_EQ(stamp_wait(500e9, 8192, 256).mean, wait_for(500e9, 8192).mean);
}

TEST(RateTableTest, TheTableOfAnLv06HasThePublishedRowsAndItsMaskOnce) {
  const auto rows = rate_table({.hashes_per_second = 500e9, .watts = 10.5, .mask = 256});
  ASSERT_EQ(rows.size(), 5u);
  expect_published(rows[0].returns_per_second, 116.4, 0.1);
  expect_published(rows[3].returns_per_second, 0.4547, 1e-4);
  expect_published(rows[3].latent_seconds, 5338, 1);
  EXPECT_FALSE(rows[0].stock);
  EXPECT_TRUE(rows[3].stock);
  EXPECT_EQ(rows[0].stamp_seconds, rows[3].wait.mean);
  EXPECT_NEAR(*rows[0].joules_per_stamp, 21e-12 * 0x1p40, 1e-9);
  EXPECT_EQ(rate_table({.hashes_per_second = 1, .mask = 0.5}).size(), 6u);
  EXPECT_FALSE(rate_table({.hashes_per_second = 1, .mask = 1})[0].joules_per_stamp);
}

TEST(DeviceModelTest, EveryNumberSaysWhereItComesFrom) {
  for (const DeviceModel& model : device_models()) {
    for (const Figure& figure :
         {model.hashes_per_second, model.watts, model.stock_difficulty, model.least_difficulty}) {
      EXPECT_GT(figure.value, 0) << model.kind;
      EXPECT_FALSE(figure.note.empty()) << model.kind;
      EXPECT_NE(figure.source, Source::kMeasured) << model.kind << ": no device was at hand";
    }
    EXPECT_LE(model.least_difficulty.value, model.stock_difficulty.value) << model.kind;
    EXPECT_EQ(find_device_model(model.kind)->name, model.name);
  }
  EXPECT_EQ(find_device_model("lv6").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace calx::device
