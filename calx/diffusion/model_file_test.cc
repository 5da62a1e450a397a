// Goal: a weight file comes back as it was, or not at all.
// Method: round trip; one flipped bit at a time over the whole file; provoked errors.
#include "calx/diffusion/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calx/diffusion/example_network.h"

namespace calx::diffusion {
namespace {

using testing::HasSubstr;

std::vector<std::uint8_t> encoded() {
  return std::move(*encode_model({example_config(), example_parameters(), {{"who", "a test"}}}));
}

TEST(ModelFileTest, RoundTripsConfigWeightsAndNotes) {
  const auto model = parse_model(encoded());
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->config, example_config());
  EXPECT_EQ(model->notes, (std::map<std::string, std::string>{{"who", "a test"}}));
  const auto network = nn::UNet::load(model->config, model->parameters);
  ASSERT_TRUE(network);
  EXPECT_EQ(network->parameters(), example_parameters());
}

TEST(ModelFileTest, RefusesEveryFlippedBitAndEveryCut) {
  const auto good = encoded();
  for (std::size_t at = 0; at < good.size(); at += 211) {
    auto bad = good;
    bad[at] = static_cast<std::uint8_t>(bad[at] ^ (1U << (at % 8)));
    EXPECT_FALSE(parse_model(bad)) << "byte " << at;
    EXPECT_FALSE(parse_model(std::span(good).first(at))) << "cut at " << at;
  }
}

TEST(ModelFileTest, SaysThatTheWeightsAreDamaged) {
  auto bad = encoded();
  bad[bad.size() - 5] ^= 1U;
  const auto result = parse_model(bad);
  EXPECT_EQ(result.error().code, ErrorCode::kDataLoss);
  EXPECT_THAT(result.error().message, HasSubstr("is damaged"));
}

TEST(ModelFileTest, SaysWhenASafetensorsFileIsNotOurs) {
  const auto bytes = format::encode_safetensors({});
  EXPECT_THAT(parse_model(*bytes).error().message, HasSubstr("without calx.digest"));
}

TEST(ModelFileTest, ConfigRoundTripsAsText) {
  nn::UNetConfig config;
  config.widths = {32, 64, 96};
  config.blocks = 2;
  config.dropout = 0.25F;
  const auto again = parse_config(to_text(config));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, config);
}

TEST(ModelFileTest, NamesTheWordOfAConfigThatIsWrong) {
  EXPECT_THAT(parse_config("side=32 colour=3").error().message, HasSubstr("colour"));
  EXPECT_THAT(parse_config("side=big").error().message, HasSubstr("big"));
  EXPECT_THAT(parse_config("side").error().message, HasSubstr("side"));
  EXPECT_THAT(parse_config("widths=64,,96").error().message, HasSubstr("no number"));
  EXPECT_THAT(parse_config("dropout=much").error().message, HasSubstr("much"));
  EXPECT_THAT(parse_config("patch=0").error().message, HasSubstr("patch 0"));
}

}  // namespace
}  // namespace calx::diffusion
