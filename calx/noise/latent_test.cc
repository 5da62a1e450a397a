// Goal: a latent is its streams in the shape that models expect, and a batch is its members.
// Method: vectors (digests by docs/protocol/calx_noise.py and hashlib), parity with Stream, laws
// over batches, tiles and packing; a fault for each refusal.
#include "calx/noise/latent.h"

#include <gmock/gmock.h>

#include <bit>
#include <string>

#include "calx/base/hex.h"
#include "calx/noise/half.h"

namespace calx::noise {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

LatentRequest request(std::vector<std::uint64_t> shape, std::string_view seed = "hello") {
  LatentRequest wanted;
  wanted.noise = Variation::single(Seed::parse(seed).value());
  wanted.shape = std::move(shape);
  return wanted;
}

template <class T = float>
std::vector<T> values(const LatentRequest& wanted) {
  const auto latent = make_latent(wanted);
  if (!latent) ADD_FAILURE() << latent.error().message;
  const auto seen = format::view<T>(*latent).value();
  return {seen.begin(), seen.end()};
}

TEST(LatentTest, IsTheStreamOfItsIndex) {
  std::vector<float> wanted(4 * 64 * 64);
  ASSERT_TRUE(Stream::open(Seed::parse("hello").value(), "init", 0)
                  ->normal({.channels = 4, .rows = 64, .columns = 64}, wanted));
  EXPECT_EQ(values(request({1, 4, 64, 64})), wanted);
  EXPECT_EQ(values(request({4, 64, 64})), wanted);
}

TEST(LatentTest, HasTheDigestOfTheProtocol) {
  const auto latent = make_latent(request({1, 4, 64, 64}, "0"));
  EXPECT_EQ(to_hex(latent_digest(*latent)),
            "ffda637da7ec50184ac313646f1fbf7b6fbb297f96601a26342a461840bd2f89");
}

TEST(LatentTest, AMemberAloneIsTheMemberOfTheBatch) {
  for (const Precision precision : {Precision::kF32, Precision::kF16}) {
    auto batch = request({3, 2, 10, 9});
    batch.precision = precision;
    batch.index = 5;
    const auto whole = make_latent(batch).value().bytes;
    for (std::uint64_t b = 0; b < 3; ++b) {
      auto alone = batch;
      alone.shape[0] = 1;
      alone.index = 5 + b;
      const auto part = make_latent(alone).value().bytes;
      EXPECT_TRUE(std::equal(part.begin(), part.end(),
                             whole.begin() + static_cast<std::ptrdiff_t>(b * part.size())));
    }
  }
}

TEST(LatentTest, ATileIsThatPartOfTheCanvas) {
  const auto canvas = values(request({2, 40, 50}));
  auto piece = request({2, 7, 11});
  piece.row_first = 13;
  piece.column_first = 21;
  const auto tile = values(piece);
  for (std::size_t c = 0; c < 2; ++c) {
    for (std::size_t r = 0; r < 7; ++r) {
      for (std::size_t x = 0; x < 11; ++x) {
        ASSERT_EQ(tile[(c * 7 + r) * 11 + x], canvas[(c * 40 + 13 + r) * 50 + 21 + x]);
      }
    }
  }
}

TEST(LatentTest, PackingMovesTwoByTwoPatchesIntoChannels) {
  auto packed = request({2, 3, 4, 6});
  const auto plain = values(packed);
  packed.packed = true;
  const auto latent = make_latent(packed).value();
  EXPECT_THAT(latent.shape, ElementsAre(2, 6, 12));
  const auto seen = format::view<float>(latent).value();
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = 0; j < 6; ++j) {
        for (std::size_t c = 0; c < 3; ++c) {
          const std::size_t patch = (i / 2) * 3 + j / 2;
          const std::size_t channel = 4 * c + 2 * (i % 2) + j % 2;
          ASSERT_EQ(seen[(b * 6 + patch) * 12 + channel], plain[((b * 3 + c) * 4 + i) * 6 + j]);
        }
      }
    }
  }
}

TEST(LatentTest, The16BitTypesAreTheRoundedFloat32) {
  const auto wide = values(request({4, 16, 16}));
  auto narrow = request({4, 16, 16});
  narrow.precision = Precision::kF16;
  EXPECT_EQ(make_latent(narrow)->dtype, format::Dtype::kF16);
  const auto half = values<std::uint16_t>(narrow);
  narrow.precision = Precision::kBf16;
  const auto bfloat = values<std::uint16_t>(narrow);
  for (std::size_t i = 0; i < wide.size(); ++i) {
    ASSERT_EQ(half[i], to_float16(wide[i]));
    ASSERT_EQ(bfloat[i], to_bfloat16(wide[i]));
  }
}

TEST(LatentTest, BitsAndUniformComeFromTheSameWords) {
  auto wanted = request({8});
  wanted.kind = Kind::kBits;
  EXPECT_EQ(values<std::uint32_t>(wanted)[0], 0x2e171403u);
  wanted.kind = Kind::kUniform;
  EXPECT_EQ(std::bit_cast<std::uint32_t>(values(wanted)[0]), 0xbf23d1d8u);
}

TEST(LatentTest, PresetsHaveTheShapesOfTheirModels) {
  EXPECT_THAT(find_latent_preset("sd15")->shape, ElementsAre(1, 4, 64, 64));
  EXPECT_THAT(find_latent_preset("sdxl")->shape, ElementsAre(1, 4, 128, 128));
  EXPECT_THAT(find_latent_preset("flux")->shape, ElementsAre(1, 16, 128, 128));
  EXPECT_THAT(find_latent_preset("seed000-1024")->shape, ElementsAre(1, 4, 1024, 1024));
  auto flux = request(find_latent_preset("flux-packed")->shape);
  flux.packed = find_latent_preset("flux-packed")->packed;
  EXPECT_THAT(make_latent(flux)->shape, ElementsAre(1, 4096, 64));
  EXPECT_THAT(find_latent_preset("sd9").error().message, HasSubstr("sdxl"));
  EXPECT_EQ(latent_presets().size(), 7u);
}

TEST(LatentTest, ReadsShapes) {
  EXPECT_THAT(*parse_shape("1,4,64,64"), ElementsAre(1, 4, 64, 64));
  EXPECT_THAT(*parse_shape("7"), ElementsAre(7));
  for (const char* bad : {"", "1,", ",1", "1,2,3,4,5", "a", "-1", "0", "1 ,2", "4294967296"}) {
    EXPECT_FALSE(parse_shape(bad)) << bad;
  }
  const auto large = parse_shape("65536,65536");
  EXPECT_EQ(large.error().code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(large.error().message, HasSubstr("268435456"));
  EXPECT_FALSE(parse_shape("4294967295,4294967295,4294967295,4294967295"));
}

TEST(LatentTest, ReadsTheCornerOfATile) {
  EXPECT_EQ(*parse_corner("13,4294967295"), std::pair(13u, 4294967295u));
  for (const char* bad : {"", "1", "1,2,3", "1,4294967296", "-1,0", "1,"}) {
    EXPECT_FALSE(parse_corner(bad)) << bad;
  }
}

TEST(LatentTest, NamesWhatIsWrong) {
  const auto message = [](const LatentRequest& wrong) {
    return make_latent(wrong).error().message;
  };
  auto wrong = request({2, 4});
  wrong.index = ~0ull;
  wrong.shape = {2, 1, 1, 4};
  EXPECT_THAT(message(wrong), HasSubstr("passes 2^64"));
  wrong = request({4, 8});
  wrong.kind = Kind::kBits;
  wrong.precision = Precision::kF16;
  EXPECT_THAT(message(wrong), HasSubstr("wanted f32"));
  wrong = request({4, 8});
  wrong.kind = Kind::kUniform;
  wrong.noise = wrong.noise.towards(Seed(), 0.5).value();
  EXPECT_THAT(message(wrong), HasSubstr("wanted normal ones"));
  wrong = request({3, 8});
  wrong.packed = true;
  EXPECT_THAT(message(wrong), HasSubstr("even sides"));
  wrong = request({4, 8});
  wrong.column_first = ~0u;
  EXPECT_THAT(message(wrong), HasSubstr("passes 2^32"));
  wrong = request({4, 8});
  wrong.stream = "";
  EXPECT_THAT(message(wrong), HasSubstr("stream name"));
  EXPECT_THAT(message(request({})), HasSubstr("dimensions"));
  EXPECT_THAT(parse_kind("gauss").error().message, HasSubstr("normal, uniform, bits"));
  EXPECT_THAT(parse_precision("f64").error().message, HasSubstr("f32, f16, bf16"));
}

}  // namespace
}  // namespace calx::noise
