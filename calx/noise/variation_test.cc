// Goal: a variation is the weighted sum that docs/protocol/noise.md defines, and unit noise.
// Method: parity with the formula written out here; laws (one-hot lists copy, variance 1 within
// 0.5 %, tiles); a fault for each refusal.
#include "calx/noise/variation.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

namespace calx::noise {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Region kLatent{.channels = 4, .rows = 64, .columns = 64};

Seed seed(std::string_view text) { return Seed::parse(text).value(); }

std::vector<float> plain(std::string_view text, const Region& region = kLatent) {
  std::vector<float> out(region.elements());
  EXPECT_TRUE(Stream::open(seed(text), "init", 0)->normal(region, out));
  return out;
}

std::vector<float> mixed(const std::vector<VariationPart>& parts, const Region& region = kLatent) {
  std::vector<float> out(region.elements());
  EXPECT_TRUE(Variation::of(parts)->normal("init", 0, region, out));
  return out;
}

TEST(VariationTest, AListWithOneWeightCopiesThatSeedBitForBit) {
  EXPECT_EQ(mixed({{seed("a"), 1.0}, {seed("b"), 0.0}}), plain("a"));
  EXPECT_EQ(mixed({{seed("a"), 0.0}, {seed("b"), 0.3}}), plain("b"));
  EXPECT_EQ(mixed({{seed("a"), 0.0}, {seed("b"), 0.0}, {seed("c"), 1e-9}}), plain("c"));
  std::vector<float> out(kLatent.elements());
  ASSERT_TRUE(Variation::single(seed("a")).normal("init", 0, kLatent, out));
  EXPECT_EQ(out, plain("a"));
}

TEST(VariationTest, IsTheSumInTheOrderOfTheList) {
  const auto a = plain("a");
  const auto b = plain("b");
  const auto c = plain("7");
  const double norm = std::sqrt(0.5 * 0.5 + 0.25 * 0.25 + (-2.0) * -2.0);
  const auto got = mixed({{seed("a"), 0.5}, {seed("b"), 0.25}, {seed("7"), -2.0}});
  for (std::size_t i = 0; i < got.size(); ++i) {
    double sum = 0.5 / norm * a[i];
    sum = sum + 0.25 / norm * b[i];
    sum = sum + -2.0 / norm * c[i];
    ASSERT_EQ(got[i], static_cast<float>(sum)) << i;
  }
}

TEST(VariationTest, KeepsUnitVarianceWithinHalfAPercent) {
  // 10^6 values: the standard error of a variance is 0.14 %.
  constexpr Region kLarge{.channels = 4, .rows = 500, .columns = 500};
  const std::vector<std::vector<VariationPart>> lists = {
      {{seed("a"), 0.5}, {seed("b"), 0.5}},
      {{seed("a"), 0.9}, {seed("b"), 0.1}},
      {{seed("a"), 1}, {seed("b"), 2}, {seed("c"), 3}, {seed("d"), 4}, {seed("e"), 5}}};
  for (const auto& parts : lists) {
    double sum = 0, square = 0;
    for (const float value : mixed(parts, kLarge)) {
      sum += value;
      square += double{value} * value;
    }
    const auto n = static_cast<double>(kLarge.elements());
    EXPECT_NEAR(square / n - (sum / n) * (sum / n), 1.0, 0.005) << parts.size();
  }
}

TEST(VariationTest, ATileOfAVariationIsTheSameTile) {
  const std::vector<VariationPart> parts = {{seed("a"), 0.7}, {seed("b"), 0.3}};
  const auto whole = mixed(parts);
  const auto tile = mixed(
      parts, {.channel_first = 2, .row_first = 10, .rows = 20, .column_first = 3, .columns = 30});
  for (std::size_t r = 0; r < 20; ++r) {
    for (std::size_t x = 0; x < 30; ++x) {
      ASSERT_EQ(tile[r * 30 + x], whole[(2 * 64 + 10 + r) * 64 + 3 + x]);
    }
  }
}

TEST(VariationTest, AChainIsRecordedAsOneListAndItsEndsAreExact) {
  const auto start = Variation::single(seed("a"));
  const auto chain = start.towards(seed("b"), 0.25)->towards(seed("c"), 0.5);
  ASSERT_TRUE(chain);
  ASSERT_EQ(chain->parts().size(), 3u);
  const double norm = std::sqrt(0.75 * 0.75 + 0.25 * 0.25);
  EXPECT_EQ(chain->parts()[0].weight, 0.5 * (0.75 / norm));
  EXPECT_EQ(chain->parts()[1].weight, 0.5 * (0.25 / norm));
  EXPECT_EQ(chain->parts()[2].weight, 0.5);
  std::vector<float> out(kLatent.elements());
  ASSERT_TRUE(start.towards(seed("b"), 0.0)->normal("init", 0, kLatent, out));
  EXPECT_EQ(out, plain("a"));
  ASSERT_TRUE(start.towards(seed("b"), 1.0)->normal("init", 0, kLatent, out));
  EXPECT_EQ(out, plain("b"));
}

TEST(VariationTest, NormalisesByIeeeSquareRootAndDivision) {
  EXPECT_THAT(Variation::of({{seed("a"), 3}, {seed("b"), 4}})->normalised(),
              ElementsAre(3.0 / 5.0, 4.0 / 5.0));
}

TEST(VariationTest, ReadsASeedWithItsWeight) {
  EXPECT_EQ(*parse_variation_part("hello:0.3"), (VariationPart{seed("hello"), 0.3}));
  EXPECT_EQ(*parse_variation_part("text:7:-1e-3"), (VariationPart{seed("text:7"), -1e-3}));
  for (const char* bad : {"hello", "hello:", "hello:x", "hello:0.3x", ":0.3"}) {
    EXPECT_FALSE(parse_variation_part(bad)) << bad;
  }
}

TEST(VariationTest, TheBaseSeedTakesTheWeightThatIsLeft) {
  EXPECT_EQ(Variation::beside(seed("a"), {{seed("b"), 0.25}})->parts()[0].weight, 0.75);
  EXPECT_EQ(Variation::beside(seed("a"), {{seed("b"), 0.0}})->parts()[0].weight, 1.0);
  const std::vector<VariationPart> tenths(10, {seed("b"), 0.1});
  EXPECT_EQ(Variation::beside(seed("a"), tenths)->parts()[0].weight, 0.0);
  EXPECT_FALSE(Variation::beside(seed("a"), {{seed("b"), 0.7}, {seed("c"), 0.4}}));
  EXPECT_FALSE(Variation::beside(seed("a"), {{seed("b"), -0.1}}));
  EXPECT_FALSE(Variation::beside(seed("a"), {{seed("b"), std::nan("")}}));
}

TEST(VariationTest, NamesWhatIsWrong) {
  const auto message = [](std::vector<VariationPart> parts) {
    return Variation::of(std::move(parts)).error().message;
  };
  EXPECT_THAT(message({}), HasSubstr("0 seeds"));
  EXPECT_THAT(message(std::vector<VariationPart>(65)), HasSubstr("65 seeds"));
  EXPECT_THAT(message({{seed("a"), 0.0}}), HasSubstr("every weight is 0"));
  EXPECT_THAT(message({{seed("a"), std::nan("")}}), HasSubstr("weight nan of seed a"));
  EXPECT_THAT(message({{seed("a"), 1e300}}), HasSubstr("2^64"));
  EXPECT_THAT(Variation::single(seed("a")).towards(seed("b"), 1.5).error().message,
              HasSubstr("strength 1.5"));
  std::vector<float> out(3);
  EXPECT_THAT(Variation::of({{seed("a"), 1}, {seed("b"), 1}})
                  ->normal("init", 0, kLatent, out)
                  .error()
                  .message,
              HasSubstr("wanted 16384"));
}

}  // namespace
}  // namespace calx::noise
